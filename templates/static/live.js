// Makes the page live: on each new snapshot it fetches itself and swaps the parts marked data-live that have changed.
// Without this script the page reloads itself by its <meta http-equiv="refresh">, which is in a <noscript>.
"use strict";
(() => {
  const status = document.querySelector("[data-live-status]");
  const say = (text, state) => {
    if (!status || status.dataset.state === state) return;
    status.textContent = text;
    status.dataset.state = state;
  };
  let busy = false;
  let again = false;

  const swap = (fresh) => {
    for (const part of document.querySelectorAll("[data-live]")) {
      const twin = fresh.getElementById(part.id);
      if (!twin) continue;
      part.className = twin.className;
      // Charts that have come stay, and change by themselves.
      if (!twin.hasAttribute("data-live")) part.removeAttribute("data-live");
      keepOpen(part, twin);
      if (twin.innerHTML === part.innerHTML) continue;
      // Text that somebody has selected stays as it is.
      const selection = document.getSelection();
      if (!selection.isCollapsed && part.contains(selection.anchorNode)) continue;
      replace(part, twin);
    }
    charts(fresh);
    document.title = fresh.title;
    hide();
  };

  // What has the focus keeps it, as far as it is still there.
  const replace = (part, twin) => {
    const active = document.activeElement;
    const inside = part.contains(active) && active !== document.body;
    const path = inside ? place(part, active) : null;
    part.innerHTML = twin.innerHTML;
    const same = path && find(part, path);
    if (same) same.focus({ preventScroll: true });
  };

  const place = (part, element) => {
    const id = element.id || element.closest("[id]")?.id;
    return { id: part.contains(document.getElementById(id)) && id !== part.id ? id : null, tag: element.tagName, href: element.getAttribute("href") };
  };

  const find = (part, { id, tag, href }) => {
    const root = (id && document.getElementById(id)) || part;
    if (root !== part && root.tagName === tag) return root;
    return [...root.querySelectorAll(tag)].find((e) => e.getAttribute("href") === href);
  };

  const keepOpen = (part, twin) => {
    for (const open of part.querySelectorAll("details[open][id]")) {
      const same = twin.querySelector("#" + CSS.escape(open.id));
      if (same) same.setAttribute("open", "");
    }
  };

  // A picture is changed in place: the old one is shown until the new one is there, so that nothing flickers.
  const charts = (fresh) => {
    for (const chart of document.querySelectorAll("[data-chart]")) {
      const twin = fresh.getElementById(chart.id);
      if (!twin) continue;
      const sources = twin.querySelectorAll("source");
      chart.querySelectorAll("source").forEach((source, i) => copy(sources[i], source, "srcset"));
      for (const name of ["src", "alt"]) copy(twin.querySelector("img"), chart.querySelector("img"), name);
    }
  };

  const copy = (from, to, name) => {
    const value = from && from.getAttribute(name);
    if (value !== null && to && to.getAttribute(name) !== value) to.setAttribute(name, value);
  };

  const refresh = async () => {
    if (document.hidden) return;
    if (busy) { again = true; return; }
    busy = true;
    try {
      const asked = location.href;
      const answer = await fetch(asked, { headers: { "x-live": "1" } });
      const text = await answer.text();
      if (answer.ok && asked === location.href) swap(new DOMParser().parseFromString(text, "text/html"));
    } catch {
      // The stream notices, too, and says so.
    } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  };

  // Search as one types: rows are hidden at once, and the address follows, so that the server filters and sorts.
  const form = document.querySelector("[data-filter]");
  const hide = () => {
    if (!form) return;
    const search = form.elements.q.value.trim().toLowerCase();
    for (const row of document.querySelectorAll("tbody[data-words]")) row.hidden = !row.dataset.words.includes(search);
  };
  const follow = () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value.trim()) query.set(name, value.trim());
    const address = query.size ? "/?" + query : "/";
    if (address !== location.pathname + location.search) history.replaceState(null, "", address);
    refresh();
  };
  if (form) {
    let timer = 0;
    form.addEventListener("input", () => { hide(); clearTimeout(timer); timer = setTimeout(follow, 200); });
    form.addEventListener("submit", (event) => { event.preventDefault(); follow(); });
    form.classList.add("scripted");
  }

  // Forms that change something are only sent once.
  for (const acting of document.querySelectorAll("form[method=post]")) {
    acting.addEventListener("submit", () => { for (const button of acting.querySelectorAll("button")) button.disabled = true; });
  }

  let stream = null;
  const listen = () => {
    if (stream || document.hidden) return;
    stream = new EventSource("/live");
    stream.addEventListener("open", () => say("live", "on"));
    stream.addEventListener("snapshot", refresh);
    stream.addEventListener("error", () => say("not live: no connection to cachewatch; these are the last numbers", "off"));
  };
  // A page that nobody sees needs no connection: a browser has few of them.
  const rest = () => { if (stream) stream.close(); stream = null; };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) rest();
    else { listen(); refresh(); }
  });
  window.addEventListener("pagehide", rest);
  window.addEventListener("pageshow", listen);
  listen();
})();
