import { mount } from "svelte";
import App from "./ui/App.svelte";
import { house } from "./ui/house.svelte";
import { firstLanguage, speech } from "./ui/words.svelte";
import "./ui/style.css";

await Promise.all([house.begin(), speech.speak(firstLanguage()).catch(() => speech.speak("en"))]);
mount(App, { target: document.getElementById("app") ?? document.body });
