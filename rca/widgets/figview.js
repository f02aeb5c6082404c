const WAIT_MS = 15000;

// plotly.js comes over the comm once per page, packed, when the first figure asks for it.
const plotly = (model) => {
  const name = "__rcaPlotly" + model.get("plotly_version");
  if (window[name]) return window[name];
  window[name] = new Promise((done, failed) => {
    const timer = setTimeout(() => { delete window[name]; failed(); }, WAIT_MS);
    const heard = async (message, buffers) => {
      if (!message || !message.plotly || !buffers.length) return;
      model.off("msg:custom", heard);
      clearTimeout(timer);
      const stream = new Blob([buffers[0]]).stream().pipeThrough(new DecompressionStream("deflate"));
      const text = await new Response(stream).text();
      const script = make("script");
      script.textContent = "(function(){var define,require,module={exports:{}},exports=module.exports;"
        + text + "\n;window.__rcaLoaded=module.exports.newPlot?module.exports:(window.Plotly||self.Plotly)}).call(window)";
      document.head.appendChild(script);
      script.remove();
      done(window.__rcaLoaded);
    };
    model.on("msg:custom", heard);
    // Later than the start of all views of the page: see `initialize`.
    setTimeout(() => model.send({ ask: "plotly" }), 250);
  });
  return window[name];
};

const ink = (element) => getComputedStyle(element).color;
const themed = (layout, element) => Object.assign({ autosize: true, uirevision: "kept" }, layout, {
  paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
  font: Object.assign({}, layout.font, { color: ink(element) }),
});
const points = (event) => ((event && event.points) || []).map((p) => ({
  curve: p.curveNumber, index: p.pointIndex ?? p.pointNumber ?? p.i, x: p.x, y: p.y, customdata: p.customdata,
}));

// Windows as bands with two handles each: drawn above the figure, moved by pointer or arrow keys.
function windows(model, root, chart) {
  const layer = make("div");
  root.append(layer);
  const place = () => {
    const axis = chart._fullLayout && chart._fullLayout.xaxis, high = chart._fullLayout && chart._fullLayout.yaxis;
    layer.replaceChildren();
    if (!axis || !high) return;
    const box = { top: high._offset + "px", height: high._length + "px" };
    const x = (ms) => axis._offset + Math.min(axis._length, Math.max(0, axis.l2p(ms)));
    const inside = (ms) => { const p = axis.l2p(ms); return p >= -1 && p <= axis._length + 1; };
    model.get("ranges").forEach((range, index) => {
      const band = make("div", { class: "rca-band", "aria-hidden": "true" });
      const spread = (a, b) => Object.assign(band.style, box, { left: x(a) + "px", width: Math.max(0, x(b) - x(a)) + "px", background: range.fill });
      spread(range.low, range.high);
      layer.append(band);
      for (const end of ["low", "high"]) {
        if (!inside(range[end])) continue;
        const handle = make("div", {
          class: "rca-handle rca-keys", role: "slider", tabindex: "0", [KEYS]: "true", "data-key": range.key + "-" + end,
          "aria-label": (end === "low" ? "start" : "end") + " of the " + range.label,
          "aria-valuemin": axis.r2l(axis.range[0]), "aria-valuemax": axis.r2l(axis.range[1]),
        });
        const say = (ms) => { handle.setAttribute("aria-valuenow", ms); handle.setAttribute("aria-valuetext", new Date(ms).toISOString()); handle.title = range.label + ": " + new Date(ms).toISOString().slice(0, 16) + " UTC"; };
        Object.assign(handle.style, box, { left: x(range[end]) + "px" });
        handle.style.setProperty("--rca-handle", range.line);
        say(range[end]);
        let now = range[end];
        const commit = () => {
          const all = model.get("ranges").map((r) => Object.assign({}, r));
          all[index][end] = now;
          if (all[index].low >= all[index].high) { now = range[end]; place(); return; }
          model.set("ranges", all); model.save_changes();
        };
        handle.addEventListener("pointerdown", (event) => {
          event.preventDefault(); event.stopPropagation(); handle.focus(); handle.setPointerCapture(event.pointerId);
          const from = root.getBoundingClientRect().left;
          const move = (e) => {
            now = Math.round(axis.p2l(Math.min(axis._length, Math.max(0, e.clientX - from - axis._offset))));
            handle.style.left = x(now) + "px"; say(now);
            end === "low" ? spread(now, range.high) : spread(range.low, now);
          };
          handle.addEventListener("pointermove", move);
          handle.addEventListener("pointerup", () => { handle.removeEventListener("pointermove", move); if (now !== range[end]) commit(); }, { once: true });
        });
        handle.addEventListener("keydown", (event) => {
          const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          if (!way || event.ctrlKey || event.metaKey) return;
          event.preventDefault(); event.stopPropagation();
          now = range[end] + way * model.get("step_ms") * (event.shiftKey ? 10 : 1);
          commit();
          const again = layer.querySelector(`[data-key="${CSS.escape(range.key + "-" + end)}"]`);
          if (again) again.focus();
        });
        layer.append(handle);
      }
    });
  };
  return place;
}

async function render({ model, el }) {
  const root = make("div", { class: "rca-view rca-figure-view", role: "group", "aria-label": model.get("label") });
  const note = make("div", { class: "rca-note", role: "status" }, "The figure is loading …");
  root.append(note);
  el.append(root);
  let closed = false;
  const drawn = { chart: null, stop: () => {} };
  plotly(model).then((P) => {
    if (closed) return;
    note.remove();
    const chart = make("div");
    root.prepend(chart);
    const settings = { responsive: true, displaylogo: false, plotlyServerURL: "" };
    const draw = () => {
      const figure = JSON.parse(model.get("figure"));
      root.setAttribute("aria-label", model.get("label"));
      return P.react(chart, figure.data, themed(figure.layout, root), settings);
    };
    const place = windows(model, root, chart);
    const send = (name, value) => { model.set(name, Object.assign({ n: (model.get(name).n || 0) + 1 }, value)); model.save_changes(); };
    draw().then(() => {
      chart.on("plotly_click", (event) => send("clicked", { points: points(event) }));
      chart.on("plotly_selected", (event) => send("selected", { points: points(event), range: (event && event.range) || null }));
      chart.on("plotly_relayout", (event) => {
        if ("xaxis.range[0]" in event) send("zoomed", { range: [event["xaxis.range[0]"], event["xaxis.range[1]"]] });
        else if (event["xaxis.autorange"]) send("zoomed", { range: null });
      });
      chart.on("plotly_afterplot", place);
      place();
    });
    model.on("change:figure", draw);
    model.on("change:ranges", place);
    const size = new ResizeObserver(() => { if (chart.offsetParent) P.Plots.resize(chart); });
    size.observe(root);
    let colour = ink(root);
    const theme = new MutationObserver(() => { if (ink(root) !== colour) { colour = ink(root); draw(); } });
    theme.observe(document.body, { attributes: true });
    drawn.stop = () => { size.disconnect(); theme.disconnect(); model.off("change:figure", draw); model.off("change:ranges", place); P.purge(chart); };
  }, () => { note.textContent = "The figure did not load. Run the cell again."; });
  return () => { closed = true; drawn.stop(); };
}
