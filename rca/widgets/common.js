// What every view shares: acknowledgements, keys that stay in the widget, elements without markup.
const make = (tag, attributes = {}, text = null) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return element;
};

// JupyterLab runs its commands (d d deletes a cell) also while a widget has the focus; the
// attribute stops them on the element itself. Ctrl and Cmd combinations, such as saving, pass.
const KEYS = "data-lm-suppress-shortcuts";
const keepKeys = (element) => element.setAttribute(KEYS, "true");
if (!window.__rcaKeys) {
  window.__rcaKeys = true;
  window.addEventListener("keydown", (event) => {
    const element = event.target.closest && event.target.closest(".rca-keys");
    if (!element) return;
    if (event.ctrlKey || event.metaKey) element.removeAttribute(KEYS);
    else element.setAttribute(KEYS, "true");
  }, true);
}

// The kernel holds a view for stale when a revision is not answered. Kept light: a model that
// takes two seconds to initialise would never hear from the kernel again.
const initialize = ({ model }) => {
  const answer = () => {
    model.set("ack", model.get("revision"));
    model.save_changes();
  };
  model.on("change:revision", answer);
  return () => model.off("change:revision", answer);
};
