// Makes a reading's page live: once a second the part that moves is fetched again and put in
// the place of the old one. When the reading is over, the page with the report is loaded.
"use strict";

(function () {
  const PAUSE = 1000;
  const offline = document.getElementById("offline");

  async function refresh() {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!response.ok) throw new Error(response.statusText);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const part = fresh.getElementById("live");
    if (part === null) {
      location.reload();
      return false;
    }
    const link = document.activeElement.getAttribute("href");
    document.title = fresh.title;
    document.getElementById("live").replaceWith(part);
    // Whoever reads with the keyboard stays where they were.
    if (link !== null && document.activeElement === document.body) {
      part.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus();
    }
    return true;
  }

  async function turn() {
    let goesOn = true;
    if (!document.hidden && getSelection().isCollapsed) {
      try {
        goesOn = await refresh();
        offline.hidden = true;
      } catch {
        offline.hidden = false;
      }
    }
    if (goesOn) setTimeout(turn, PAUSE);
  }

  setTimeout(turn, PAUSE);
})();
