// Makes the page live: on each new snapshot it fetches itself and swaps the parts marked data-live that have changed.
// Without this script the page reloads itself by its <meta http-equiv="refresh">, which is in a <noscript>.
"use strict";
(() => {
  const status = document.querySelector("[data-live-status]");
  const say = (text, state) => {
    if (status) { status.textContent = text; status.dataset.state = state; }
  };
  let busy = false;

  const swap = (fresh) => {
    for (const part of document.querySelectorAll("[data-live]")) {
      const twin = fresh.getElementById(part.id);
      if (!twin || twin.innerHTML === part.innerHTML) continue;
      // What somebody is using stays: a field with the cursor in it, text that is selected, an open <details>.
      if (part.contains(document.activeElement) && document.activeElement !== document.body) {
        const id = document.activeElement.id;
        const href = document.activeElement.getAttribute("href");
        keepOpen(part, twin);
        part.innerHTML = twin.innerHTML;
        const again = id ? document.getElementById(id)
          : href ? [...part.querySelectorAll("a")].find((a) => a.getAttribute("href") === href) : null;
        if (again) again.focus({ preventScroll: true });
      } else {
        keepOpen(part, twin);
        part.innerHTML = twin.innerHTML;
      }
      part.className = twin.className;
    }
    document.title = fresh.title;
    document.dispatchEvent(new Event("swapped"));
  };

  const keepOpen = (part, twin) => {
    for (const open of part.querySelectorAll("details[open][id]")) {
      const same = twin.querySelector("#" + CSS.escape(open.id));
      if (same) same.open = true;
    }
  };

  const refresh = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { "x-live": "1" } });
      if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The stream notices, too, and says so.
    } finally {
      busy = false;
    }
  };

  const listen = () => {
    const stream = new EventSource("/live");
    stream.addEventListener("open", () => say("live", "on"));
    stream.addEventListener("snapshot", refresh);
    stream.addEventListener("error", () => say("not live: no connection to cachewatch", "off"));
    window.addEventListener("pagehide", () => stream.close());
  };

  document.addEventListener("visibilitychange", refresh);
  listen();
})();
