"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const figures = [...document.querySelectorAll("figure.rca-figure")]
    .filter((figure) => figure.querySelector(".rca-spec"));
  const drawn = new Set();
  let plotly = null;

  async function source() {
    const payload = document.getElementById("rca-plotly");
    if (payload.dataset.packed !== "gzip") return payload.textContent;
    const bytes = Uint8Array.from(atob(payload.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  async function load() {
    const script = document.createElement("script");
    script.textContent = await source();
    document.head.append(script);
    return window.Plotly;
  }

  function themed(layout) {
    const css = getComputedStyle(document.documentElement);
    const [text, grid, line, back] = ["--rca-text", "--rca-grid", "--rca-line", "--rca-back"]
      .map((name) => css.getPropertyValue(name).trim());
    const clear = "rgba(0,0,0,0)";
    const themes = (axes) => Object.fromEntries(axes.map(([name, axis]) =>
      [name, { ...axis, gridcolor: grid, linecolor: line, zerolinecolor: line, tickcolor: line }]));
    const isAxis = ([name]) => /^[xy]axis\d*$/.test(name);
    const template = layout.template || {};
    const base = template.layout || {};
    return {
      ...layout,
      ...themes(Object.entries(layout).filter(isAxis)),
      autosize: true,
      width: undefined,
      paper_bgcolor: clear,
      plot_bgcolor: clear,
      font: { ...(base.font || {}), ...(layout.font || {}), color: text },
      hoverlabel: { ...(layout.hoverlabel || {}), bgcolor: back, bordercolor: line, font: { color: text } },
      template: {
        ...template,
        layout: { ...base, ...themes([["xaxis", base.xaxis || {}], ["yaxis", base.yaxis || {}]]) },
      },
    };
  }

  function inked(trace) {
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--rca-muted").trim();
    if (trace.type === "waterfall") return { connector: { line: { color: ink } }, ...trace };
    if (trace.type !== "bar") return trace;
    const bars = ["error_x", "error_y"].filter((name) => trace[name])
      .map((name) => [name, { color: ink, ...trace[name] }]);
    return { ...trace, ...Object.fromEntries(bars) };
  }

  function specOf(figure) {
    const { data, layout, config } = JSON.parse(figure.querySelector(".rca-spec").textContent);
    return { data: data.map(inked), layout: themed(layout), config };
  }

  async function draw(figure) {
    if (drawn.has(figure)) return;
    drawn.add(figure);
    const live = figure.querySelector(".rca-live");
    try {
      plotly = plotly || load();
      const Plotly = await plotly;
      const { data, layout, config } = specOf(figure);
      live.hidden = false;
      figure.classList.add("rca-drawn");
      await Plotly.newPlot(live, data, layout, {
        ...config, responsive: true, displaylogo: false, typesetMath: false, showTips: false,
      });
    } catch (error) {
      live.hidden = true;
      figure.classList.remove("rca-drawn");
      figure.dataset.problem = String(error);
    }
  }

  async function recolour() {
    const Plotly = await plotly;
    for (const figure of drawn) {
      const { data, layout } = specOf(figure);
      const live = figure.querySelector(".rca-live");
      if (!live.hidden && live.data) await Plotly.react(live, data, layout);
    }
  }

  dark.addEventListener("change", recolour);
  if (!("IntersectionObserver" in window) || location.hash === "#eager") {
    figures.forEach(draw);
    return;
  }
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((e) => e.isIntersecting)) {
      watch.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "600px" });
  figures.forEach((figure) => watch.observe(figure));
})();
