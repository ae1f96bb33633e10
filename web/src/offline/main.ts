import { mount } from "svelte";
import { firstLanguage, speech } from "../ui/words.svelte";
import "../ui/style.css";
import Offline from "./Offline.svelte";

await speech.speak(firstLanguage());
mount(Offline, { target: document.getElementById("app") ?? document.body });
