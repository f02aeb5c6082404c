// Lists of rows to choose from, each with a label, a value and bars. Text is set, never parsed.
function render({ model, el }) {
  const root = make("div", { class: "rca-view rca-rows", role: "group" });
  el.append(root);
  const same = (a, b) => a[0] === b[0] && a[1] === b[1];
  const choose = (group, key) => {
    const old = model.get("chosen"), own = [group, key];
    const there = old.some((pair) => same(pair, own));
    const kept = model.get("many") ? old.filter((pair) => !same(pair, own)) : [];
    model.set("chosen", there && model.get("many") ? kept : [...kept, own]);
    model.save_changes();
  };
  const draw = () => {
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.at : null;
    const scrolled = new Map([...root.querySelectorAll("ul")].map((u) => [u.dataset.group, u.scrollTop]));
    root.setAttribute("aria-label", model.get("label"));
    root.style.setProperty("--rca-column", model.get("column_px") + "px");
    const chosen = model.get("chosen");
    root.replaceChildren(...model.get("groups").map((group) => {
      const section = make("section", { "aria-label": group.title || model.get("label") });
      if (group.title) section.append(make("h4", {}, group.title));
      const list = make("ul", { "data-group": group.key });
      const pressed = group.rows.findIndex((row) => chosen.some((pair) => same(pair, [group.key, row.key])));
      group.rows.forEach((row, index) => {
        const button = make("button", {
          type: "button", class: "rca-row rca-keys", [KEYS]: "true", "data-at": group.key + "\u0000" + row.key,
          tabindex: index === Math.max(0, pressed) ? "0" : "-1",
          "aria-pressed": String(chosen.some((pair) => same(pair, [group.key, row.key]))),
        });
        button.append(make("span", { class: "rca-label" }, row.label), make("span", { class: "rca-value" }, row.value || ""));
        for (const bar of row.bars || []) {
          const line = make("span", { class: "rca-bar rca-" + bar.kind, "aria-hidden": "true" });
          line.style.width = Math.min(100, Math.max(0, 100 * bar.size)) + "%";
          button.append(line);
        }
        if (row.detail) button.append(make("span", { class: "rca-detail" }, row.detail));
        button.addEventListener("click", () => choose(group.key, row.key));
        const item = make("li");
        item.append(button);
        list.append(item);
      });
      section.append(list);
      if (group.note) section.append(make("small", {}, group.note));
      return section;
    }));
    for (const list of root.querySelectorAll("ul")) list.scrollTop = scrolled.get(list.dataset.group) || 0;
    if (focused) {
      const again = [...root.querySelectorAll("button")].find((b) => b.dataset.at === focused);
      if (again) again.focus({ preventScroll: true });
    }
    root.dataset.drawn = model.get("revision");
  };
  root.addEventListener("keydown", (event) => {
    const list = event.target.closest("ul");
    if (!list || event.ctrlKey || event.metaKey) return;
    const all = [...list.querySelectorAll("button")], at = all.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = all[Math.min(all.length - 1, Math.max(0, to))];
    all.forEach((b) => b.setAttribute("tabindex", b === next ? "0" : "-1"));
    next.focus();
  });
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => { waiting = false; draw(); });
  };
  for (const name of ["groups", "chosen", "revision"]) model.on("change:" + name, soon);
  draw();
  return () => { for (const name of ["groups", "chosen", "revision"]) model.off("change:" + name, soon); };
}
