"use strict";
// Without this the page is complete; with it, it follows. The address stays, so what was opened is what is shown.
const live = document.getElementById("live");
const events = new EventSource("/events");
const say = (text, colour) => { live.textContent = text; live.className = colour; };
const renew = async () => {
  const answer = await fetch(location.href, { cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelector("main").replaceChildren(...page.querySelector("main").childNodes);
};
events.onopen = () => say("● live", "ok");
events.onmessage = () => renew().catch(() => say("not connected: this may be old", "bad"));
events.onerror = () => say("not connected: this may be old", "bad");
