#!/usr/bin/env bash
# Lets the programs live the whole life of consent: every kind of statement that is about it, by people's own commands.
# usage: consent.sh AMANA FOLDER
#
# An institution is admitted, says what it does and calls for information. Two advocates seal, are asked, refuse, ask back,
# grant, agree, narrow, freeze, thaw, replace and recover their keys, hand over and withdraw; officers agree, collect and say
# what became of it. What an auditor then exports is left in FOLDER/audit.
set -euo pipefail

amana=$1 folder=$2
listen=127.0.0.1:$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
  console.log(s.address().port); s.close(); })')
purpose=commission-of-inquiry other=preservation-mechanism
broker=
# Of everybody: which of their identities they use now.
declare -A label=()

main() {
  trap stop EXIT
  mkdir -p "$folder"
  export AMANA_PASSPHRASE='a passphrase of no secret'
  serve
  establish_institution
  establish_advocates
  answer_requests
  agree_collect_and_answer
  freeze_and_thaw
  replace_keys
  hand_over_and_withdraw
  close_institution
  vouch_for_the_page
  end_with_an_audit
}

serve() {
  "$amana" --json serve --dir "$folder/broker" --listen "$listen" >"$folder/said.json" 2>"$folder/broker.log" &
  broker=$!
  local _
  for _ in $(seq 1 300); do
    if curl --silent --fail --output "$folder/checkpoint" "http://$listen/log/case/checkpoint"; then break; fi
    sleep 0.1
  done
  AMANA_CARD=$(member card <"$folder/said.json")
  export AMANA_CARD AMANA_BROKER=http://$listen
}

establish_institution() {
  local who key
  person root officer-1 officer-2 unit
  institution=$(as root institution enrol --name 'Mission on the Delta (fictional)' --jurisdiction Taranda \
    --class un-mechanism --mandate "$purpose,$other" --mandate-days 365 | member institution)
  for who in officer-1 officer-2; do
    key=$(as "$who" identity show | member public_key)
    as root institution officer --key "$key" --unit 'evidence unit' --days 300 >/dev/null
  done
  key=$(as unit identity show | member recipient)
  as root institution key --unit 'evidence unit' --recipient "$key" >/dev/null
  two_administrators institution admit "$institution"
  office accreditor-1 institution attest "$institution" --kind due-diligence --days 300 --met all >/dev/null
  # What follows is signed by another key, in whose place it stands.
  as root identity rotate --label root-2 --words-file "$folder/words-root" >/dev/null
  label[root]='root-2'
  as root institution terms publish --retention months:24 --duty disclosure-to-the-defence --language en \
    --response-days 20 --cannot-promise 'A court may order it to be handed out.' >/dev/null
  as root institution call publish --about 'Evictions in the delta' --purpose "$purpose" --unit 'evidence unit' \
    --until 2099-12-31 >/dev/null
  two_administrators institution admit "$institution" \
    --record "$(as root institution renew --name 'Mission on the Delta, renewed (fictional)' --mandate-days 400 | member record)"
  as officer-1 institution show "$institution" >"$folder/institution.json"
  grep -q renewed "$folder/institution.json"
  words=$(member units 0 words <"$folder/institution.json")
  echo "ok: consent: an institution replaces its key, publishes terms and a call, and renews its record"
}

establish_advocates() {
  local who
  person amina badra
  for who in amina badra; do as "$who" identity enrol >/dev/null; done
  badra=$(as badra identity show | member party)
  amina=$(as amina identity show | member party)
  shared=$(sealed amina shared --co-owner "$badra")
  given=$(sealed amina given)
  withdrawn=$(sealed amina withdrawn)
}

answer_requests() {
  local reference asked
  reference=$(as amina report show "$given" | member reference)
  asked=$(as officer-1 request create "$reference" --purpose "$purpose,$other" --legal-basis 'Resolution 12/34' \
    --deadline 30 --message 'Our reference is F-12.' | member request)
  as amina request ask "$asked" --purpose "$purpose" --message 'Who will hear it?' >/dev/null
  as amina request refuse "$asked" --purpose "$other" --reason too-wide --message 'Not the list of names.' >/dev/null
  as amina request notice --to "$institution" --report "$withdrawn" --message 'Interviews, for your call.' >/dev/null
  as officer-1 request list --unit-identity "$folder/home-unit/unit/identity.age" >"$folder/requests.json"
  grep -q 'Who will hear it?' "$folder/requests.json"
  grep -q 'Not the list of names.' "$folder/requests.json"
  grep -q 'Interviews, for your call.' "$folder/requests.json"
  answered=$(granted amina "$given" --answers "$asked")
  echo "ok: consent: a request is asked back about, refused in part and granted in part, and the unit reads the words"
}

agree_collect_and_answer() {
  local first narrow
  # For two: one that is used up ends by itself, also when another owner is still to agree.
  first=$(granted amina "$shared" --officer-approvals 1 --max 2)
  refused officer-1 release fetch "$first" --purpose "$purpose" --out "$folder/first.age"
  as badra grant approve "$first" >/dev/null
  refused officer-1 release fetch "$first" --purpose "$purpose" --out "$folder/first.age"
  as officer-2 release approve "$first" >/dev/null
  collected officer-1 "$first"
  echo "ok: consent: a report of two owners is collected when both, and another officer, agree"
  narrow=$(as amina grant narrow "$first" --purpose "$purpose" --onward no --confirm-fingerprint "$words" | member grant)
  as badra grant approve "$narrow" >/dev/null
  as officer-1 release status "$narrow" --became in-the-record >/dev/null
  # Any one of the owners ends it.
  as badra grant revoke "$narrow" --by person >/dev/null
  as officer-1 release status "$narrow" --became cannot-erase --reason 'It is part of the record.' --review 2027-06-30 >/dev/null
  as officer-1 release status "$narrow" --became returned >/dev/null
  echo "ok: consent: a grant is narrowed, withdrawn by the other owner, and answered for"
}

freeze_and_thaw() {
  local guardian=$folder/guardian.json freeze thaw
  as amina identity guardian --out "$guardian" --guardian "$badra" --days 30 >/dev/null
  # Whoever brings it has neither an identity nor a card of their own.
  freeze=$(env -u AMANA_CARD -u AMANA_BROKER -u AMANA_PASSPHRASE \
    "$amana" --json freeze --file "$guardian" --home "$folder/home-nobody" | member freeze)
  refused amina report list
  refused officer-1 release fetch "$answered" --purpose "$purpose" --out "$folder/answered.age"
  thaw=$(as amina thaw --words-file "$folder/words-amina" | member 0 thaw)
  refused amina report list
  as badra thaw --agree "$thaw" >/dev/null
  as amina report list >/dev/null
  as amina freeze >/dev/null
  as amina thaw --words-file "$folder/words-amina" >/dev/null
  freeze=$(office administrator-1 freeze --party "$amina" | member freeze)
  office administrator-2 freeze --agree "$freeze" >/dev/null
  refused amina report list
  thaw=$(office administrator-2 thaw --party "$amina" --freeze "$freeze" | member thaw)
  office administrator-3 thaw --agree "$thaw" >/dev/null
  as amina report list >/dev/null
  collected officer-1 "$answered"
  echo "ok: consent: a guardian file, its owner and administrators freeze, and whoever may lifts it"
}

replace_keys() {
  as amina identity rotate --label amina-2 --new-recovery --recovery-file "$folder/words-amina-2" \
    --words-file "$folder/words-amina" >/dev/null
  label[amina]='amina-2'
  # Who owns a report only beside somebody else has nothing to wrap anew.
  as badra identity rotate --label badra-2 --words-file "$folder/words-badra" >/dev/null
  label[badra]='badra-2'
  # The device is lost: nothing is left but the words.
  mv "$folder/home-amina" "$folder/home-lost"
  label[amina]='amina-3'
  "$amana" --json identity recover --label amina-3 --words-file "$folder/words-amina-2" --home "$folder/home-amina" >/dev/null
  as amina report download "$given" --out "$folder/back.age" >/dev/null
  collected officer-2 "$(granted amina "$given")"
  echo "ok: consent: keys are replaced and recovered, and who collects is shown why another key signed"
}

hand_over_and_withdraw() {
  local heir offer
  heir=$(as badra identity show | member heir)
  offer=$(as amina report hand-over "$given" --to "$heir" \
    --words-file "$folder/words-amina-2" | member offer)
  as badra report take-over "$offer" >/dev/null
  as badra report download "$given" --out "$folder/heir.age" >/dev/null
  collected officer-1 "$(granted badra "$given")"
  as amina report withdraw "$withdrawn" --erase --words-file "$folder/words-amina-2" >/dev/null
  as amina report withdraw "$shared" >/dev/null
  echo "ok: consent: a report is handed over and granted by its heir, and others are withdrawn"
}

close_institution() {
  as root institution close --at 2099-01-31 --yes >/dev/null
  as amina institution list >/dev/null
  echo "ok: consent: an institution says when it ends"
}

end_with_an_audit() {
  office auditor-1 audit export --out "$folder/audit" >/dev/null
  stop
  "$amana" audit verify "$folder/audit" --card "$AMANA_CARD"
  "$amana" audit replay "$folder/audit" --card "$AMANA_CARD"
  echo "ok: consent: the audit bundle of all of it holds, and every decision in it comes out again"
}

# person NAME…: an identity of their own in a folder of their own.
person() {
  local who
  for who in "$@"; do
    label[$who]=$who
    "$amana" --json identity new --label "$who" --recovery-file "$folder/words-$who" --home "$folder/home-$who" >/dev/null
  done
}

# sealed NAME TITLE OPTION…: seals and uploads, and prints the report.
sealed() {
  local who=$1 title=$2
  shift 2
  echo "What was seen: $title." >"$folder/$title.txt"
  as "$who" report seal --out "$folder/$title.age" --title "$title" --yes "$@" "$folder/$title.txt" >/dev/null
  as "$who" report upload "$folder/$title.age" | member report
}

vouch_for_the_page() {
  local status=0 url=http://$listen
  # Built here and vouched for by nobody holds as well; a page that is only vouched for by one does not count as vouched for.
  "$amana" --json web verify "$url" >"$folder/page.json"
  grep -q '"vouched": *null' "$folder/page.json"
  two_administrators web propose --yes
  "$amana" --json web verify "$url" >"$folder/page.json"
  member vouched <"$folder/page.json" >/dev/null
  "$amana" web verify "$url" --card "${AMANA_CARD%?????}00000" >"$folder/page.json" 2>&1 || status=$?
  [ "$status" = 3 ]
  echo "ok: consent: administrators vouch for the page, and the command line finds it to be that one, under the card alone"
}

# granted NAME REPORT OPTION…: grants it without a time to take it back, and prints the grant.
granted() {
  local who=$1 report=$2
  shift 2
  as "$who" grant create "$report" --to "$institution" --purpose "$purpose" --cooling-off 0 \
    --confirm-fingerprint "$words" "$@" | member grant
}

# collected OFFICER GRANT: collects, opens and acknowledges.
collected() {
  local who=$1 grant=$2 file=$folder/$2.age
  as "$who" release fetch "$grant" --purpose "$purpose" --out "$file" >/dev/null
  as "$who" release open "$file" --unit-identity "$folder/home-unit/unit/identity.age" --into "$folder/$grant" >/dev/null
  as "$who" release acknowledge "$file" >/dev/null
}

# two_administrators COMMAND…: one proposes, another approves.
two_administrators() {
  local proposal
  proposal=$(office administrator-1 "$@" | member proposal)
  office administrator-2 institution approve "$proposal" --yes >/dev/null
}

# as NAME ARGUMENT…: a person, with their own things.
as() {
  local who=$1
  shift
  said "$amana" --json "$@" --home "$folder/home-$who" --as "${label[$who]}"
}

# office NAME ARGUMENT…: a holder of an office, with the key that founding made.
office() {
  local who=$1
  shift
  said "$amana" --json "$@" --home "$folder/home-$who" --identity "$folder/broker/roles/$who.txt"
}

# said COMMAND…: what it says; when it fails, for people to see, although the answer was meant for `member`.
said() {
  local answer status=0
  answer=$("$@") || status=$?
  if [ "$status" != 0 ]; then
    echo "$answer ($*)" >&2
    return "$status"
  fi
  echo "$answer"
}

# refused NAME ARGUMENT…: what has to be refused, and not fail otherwise.
refused() {
  local status=0
  as "$@" >"$folder/refused.json" 2>&1 || status=$?
  if [ "$status" != 1 ]; then
    echo "not refused (status $status): $*"
    cat "$folder/refused.json"
    return 1
  fi
}

stop() {
  if [ -z "$broker" ]; then return; fi
  kill -TERM "$broker"
  wait "$broker" || true
  broker=
}

# member NAME…: a member of a member of what comes in.
member() {
  node -e 'let value = JSON.parse(require("fs").readFileSync(0, "utf8"));
    for (const name of process.argv.slice(1)) value = value[name];
    if (typeof value !== "string") throw new Error("no " + process.argv.slice(1).join("."));
    console.log(value);' "$@"
}

main
