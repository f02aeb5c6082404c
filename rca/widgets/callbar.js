function render({ model, el }) {
  const root = make("div", { class: "rca-view rca-call", role: "group", "aria-label": "The call that this shows" });
  const code = make("pre", { tabindex: "0", class: "rca-keys", [KEYS]: "true" });
  const button = make("button", { type: "button", class: "rca-keys", [KEYS]: "true" }, "Copy code");
  root.append(code, button);
  el.append(root);
  const draw = () => { code.textContent = model.get("code"); root.hidden = !model.get("code"); };
  button.addEventListener("click", async () => {
    let copied = true;
    try {
      await navigator.clipboard.writeText(model.get("code"));
    } catch {
      const range = document.createRange();
      range.selectNodeContents(code);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      copied = document.execCommand("copy");
    }
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy code"; }, 1500);
  });
  model.on("change:code", draw);
  draw();
  return () => model.off("change:code", draw);
}
