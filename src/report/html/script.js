"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;

  const color = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

  /** An element with attributes and children; texts are never markup. */
  function element(name, attributes = {}, ...children) {
    const svg = ["svg", "g", "path", "circle", "text", "title"].includes(name);
    const made = svg
      ? document.createElementNS("http://www.w3.org/2000/svg", name)
      : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /** Six digits, for people. */
  const short = (h) => String(Number(h.toPrecision(6)));

  /** A duration in the unit that suits `scale`. */
  function time(ns, scale = ns, digits = 6) {
    for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
      if (size <= Math.abs(scale)) return `${Number((ns / size).toPrecision(digits))} ${unit}`;
    }
    return `${ns} ns`;
  }

  /** The color a share `t` of the way between two of the form #rrggbb. */
  function mix(from, to, t) {
    const part = (hex, at) => parseInt(hex.slice(at, at + 2), 16);
    const parts = [1, 3, 5].map((at) => Math.round(part(from, at) * (1 - t) + part(to, at) * t));
    return `#${parts.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  }

  function isDark(hex) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    return 0.299 * r + 0.587 * g + 0.114 * b < 140;
  }

  /** Narrowest and widest window of jobs. */
  function bounds(jobs) {
    let [low, high] = [Infinity, -Infinity];
    for (const [, , , narrow, wide] of jobs) {
      low = Math.min(low, narrow);
      high = Math.max(high, wide);
    }
    return [low, high];
  }

  function widths(jobs) {
    const [low, high] = bounds(jobs);
    return low < high ? `h ${short(low)} … ${short(high)}` : `h ${short(low)}`;
  }

  const PHASES = {
    read: "samples and points are read",
    share: "put where workers can read them",
    start: "workers are started",
    handshake: "a worker says hello",
    dispatch: "jobs are given out",
    work: "jobs run",
    collect: "results are merged",
    stop: "workers leave",
    idle: "waits for a job",
  };

  function timeline(groups) {
    const canvas = document.getElementById("tracks");
    const tip = document.getElementById("tip");
    const select = document.getElementById("case");
    const context = canvas.getContext("2d");
    const AXIS = 26;
    const MIN_VIEW_NS = 200;

    let group = groups[0];
    /** Shares of a logarithmic range of widths, for colors. */
    let shareOf = () => 0;
    let view = { from: 0, to: 1 };
    let layout = { width: 0, gutter: 0, head: 0, lane: 0, pitch: 0 };
    let palette = {};
    /** Track and index of the slice that is told about. */
    let chosen = null;

    function choose(index) {
      group = groups[index];
      let [low, high] = [Infinity, -Infinity];
      for (const track of group.tracks) {
        for (const slice of track.slices) {
          if (!slice[3]) continue;
          const [narrow, wide] = bounds(slice[3]);
          low = Math.min(low, narrow);
          high = Math.max(high, wide);
        }
      }
      const range = Math.log(high / low);
      shareOf = (h) => (0 < range ? Math.log(h / low) / range : 0.5);
      view = { from: 0, to: Math.max(group.length_ns, 1) };
      tell(null);
      resize();
      legend();
      busy();
    }

    /** Where things are, for the present width. */
    function resize() {
      const width = canvas.clientWidth;
      const narrow = width < 560;
      const many = 16 < group.tracks.length;
      const head = narrow ? 15 : 0;
      const lane = many ? 16 : 26;
      layout = { width, gutter: narrow ? 0 : 116, head, lane, pitch: head + lane + (many ? 3 : 6) };
      const height = AXIS + group.tracks.length * layout.pitch;
      const ratio = window.devicePixelRatio || 1;
      canvas.style.height = `${height}px`;
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.round(height * ratio);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      repaint();
    }

    const span = () => view.to - view.from;
    const plotWidth = () => layout.width - layout.gutter;
    const xOf = (ns) => layout.gutter + ((ns - view.from) / span()) * plotWidth();
    const nsOf = (x) => view.from + ((x - layout.gutter) / plotWidth()) * span();
    const topOf = (track) => AXIS + track * layout.pitch + layout.head;

    function repaint() {
      palette = { ink: color("ink"), muted: color("muted"), line: color("line"), card: color("card") };
      for (const kind of [...Object.keys(PHASES), "narrow", "wide"]) palette[kind] = color(kind);
      draw();
    }

    function fillOf(slice) {
      if (slice[0] !== "job") return palette[slice[0]];
      const [low, high] = bounds(slice[3]);
      return mix(palette.narrow, palette.wide, shareOf(Math.sqrt(low * high)));
    }

    /** Index of the first slice of `slices` that ends after `ns`. */
    function firstAfter(slices, ns) {
      let [low, high] = [0, slices.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (slices[middle][1] + slices[middle][2] <= ns) low = middle + 1;
        else high = middle;
      }
      return low;
    }

    function draw() {
      const { width, gutter, head, lane } = layout;
      context.clearRect(0, 0, width, canvas.height);
      context.font = "12px system-ui, sans-serif";
      context.textBaseline = "middle";
      drawAxis();
      group.tracks.forEach((track, index) => {
        const top = topOf(index);
        context.save();
        context.beginPath();
        context.rect(gutter, top, width - gutter, lane);
        context.clip();
        drawTrack(track, index, top);
        context.restore();
        context.fillStyle = palette.ink;
        context.fillText(track.name, 0, head ? top - head / 2 : top + lane / 2, gutter ? gutter - 8 : width);
      });
    }

    function drawTrack(track, index, top) {
      const { lane, width } = layout;
      // Slices that share a pixel with what is drawn already would only cost time.
      let drawnTo = -Infinity;
      for (let at = firstAfter(track.slices, view.from); at < track.slices.length; at++) {
        const slice = track.slices[at];
        if (view.to < slice[1]) break;
        const left = xOf(slice[1]);
        const right = Math.max(xOf(slice[1] + slice[2]), left + 0.5);
        const isChosen = chosen && chosen.track === index && chosen.slice === at;
        if (right - drawnTo < 0.4 && !isChosen) continue;
        drawnTo = right;
        const fill = fillOf(slice);
        // A hair between neighbours, where there is room for one.
        const gap = right - left < 4 ? 0 : 0.75;
        context.fillStyle = fill;
        context.fillRect(left, top, right - left - gap, lane);
        if (isChosen) {
          context.strokeStyle = palette.ink;
          context.lineWidth = 2;
          context.strokeRect(left + 1, top + 1, Math.max(right - left - 2, 1), lane - 2);
        }
        label(slice, Math.max(left, layout.gutter), Math.min(right, width), top, fill);
      }
    }

    function label(slice, left, right, top, fill) {
      if (right - left < 34 || slice[0] === "idle") return;
      const text = slice[0] === "job" ? widths(slice[3]) : slice[0];
      if (right - left < context.measureText(text).width + 8) return;
      context.fillStyle = isDark(fill) ? "#ffffff" : "#111418";
      context.fillText(text, left + 4, top + layout.lane / 2);
    }

    function drawAxis() {
      const wanted = span() / Math.max(2, plotWidth() / 110);
      const power = 10 ** Math.floor(Math.log10(wanted));
      const step = [1, 2, 5, 10].map((factor) => factor * power).find((ns) => wanted <= ns);
      const bottom = AXIS + group.tracks.length * layout.pitch;
      context.textAlign = "center";
      context.lineWidth = 1;
      for (let tick = Math.ceil(view.from / step); tick * step <= view.to; tick++) {
        const x = Math.round(xOf(tick * step)) + 0.5;
        context.strokeStyle = palette.line;
        context.beginPath();
        context.moveTo(x, AXIS - 6);
        context.lineTo(x, bottom);
        context.stroke();
        const text = time(tick * step, Math.max(view.to, 1));
        const half = context.measureText(text).width / 2;
        context.fillStyle = palette.muted;
        context.fillText(text, Math.min(Math.max(x, half), layout.width - half), AXIS / 2 - 3);
      }
      context.textAlign = "left";
    }

    /** Shows `from` to `to`, as far as there is something to show. */
    function show(from, to) {
      const whole = Math.max(group.length_ns, 1);
      const length = Math.min(Math.max(to - from, Math.min(MIN_VIEW_NS, whole)), whole);
      const start = Math.min(Math.max(from, 0), whole - length);
      view = { from: start, to: start + length };
      draw();
    }

    function zoom(factor, x = layout.gutter + plotWidth() / 2) {
      const at = nsOf(x);
      show(at - (at - view.from) * factor, at + (view.to - at) * factor);
    }

    /** From shortly before the first job to shortly after the last. */
    function showJobs() {
      let [from, to] = [Infinity, -Infinity];
      for (const track of group.tracks) {
        for (const [kind, at, length] of track.slices) {
          if (kind !== "job") continue;
          from = Math.min(from, at);
          to = Math.max(to, at + length);
        }
      }
      if (from <= to) show(from - 0.02 * (to - from), to + 0.02 * (to - from));
    }

    /** The slice at a place on the canvas, give or take two pixels. */
    function find(x, y) {
      const track = Math.floor((y - AXIS) / layout.pitch);
      const { slices } = group.tracks[track] || { slices: [] };
      if (y < AXIS || x < layout.gutter || slices.length === 0) return null;
      const at = firstAfter(slices, nsOf(x));
      const near = [at, at - 1].filter((index) => slices[index]).find((index) => {
        const [, start, length] = slices[index];
        return xOf(start) - 2 <= x && x <= xOf(start + length) + 2;
      });
      return near === undefined ? null : { track, slice: near };
    }

    function describe(track, slice) {
      const [kind, at, length, jobs] = slice;
      const when = `${time(length)}, from ${time(at)}`;
      const who = `${track.name}, ${track.place}`;
      if (kind !== "job") return [kind, PHASES[kind], when, who];
      const lines = jobs.slice(0, 5).map(([job, first, rows, narrow, wide, points]) => {
        const places = points === 1 ? "1 point" : `${points} points`;
        const window = widths([[job, first, rows, narrow, wide]]);
        const chunk = `chunk of ${rows} rows from ${first}, ${places}`;
        return jobs.length === 1 ? chunk : `${window}: ${chunk}`;
      });
      if (lines.length < jobs.length) lines.push(`and ${jobs.length - lines.length} more`);
      const title = jobs.length === 1 ? "" : `, ${jobs.length} jobs of one message`;
      return [`${widths(jobs)}${title}`, ...lines, when, who];
    }

    /** Tells about a slice, at a place on the canvas if there is one; about nothing if `null`. */
    function tell(next, x, y) {
      chosen = next;
      tip.hidden = !next;
      if (!next) return draw();
      const track = group.tracks[next.track];
      const slice = track.slices[next.slice];
      const [title, ...lines] = describe(track, slice);
      tip.replaceChildren(element("strong", {}, title), ...lines.map((line) => element("span", {}, line)));
      const middle = Math.min(Math.max(xOf(slice[1] + slice[2] / 2), layout.gutter), layout.width);
      const left = (x ?? middle) + 14;
      const room = layout.width - tip.offsetWidth;
      tip.style.left = `${Math.max(0, left <= room ? left : Math.min(left - tip.offsetWidth - 28, room))}px`;
      tip.style.top = `${(y ?? topOf(next.track) + layout.lane) + 14}px`;
      draw();
    }

    function legend() {
      const kinds = new Set(group.tracks.flatMap((track) => track.slices.map(([kind]) => kind)));
      const swatch = (background) => element("i", { style: `background: ${background}` });
      const items = Object.keys(PHASES).filter((kind) => kinds.has(kind)).map((kind) =>
        element("li", { title: PHASES[kind] }, swatch(`var(--${kind})`), kind));
      if (kinds.has("job")) {
        const shades = swatch("linear-gradient(to right, var(--narrow), var(--wide))");
        items.unshift(element("li", {}, shades, "job, from narrow to wide window"));
      }
      document.getElementById("legend").replaceChildren(...items);
    }

    /** What the tracks show, in figures. */
    function busy() {
      const brief = (ns) => (ns ? time(ns, ns, 4) : "");
      const rows = group.tracks.map((track) => {
        const sum = { job: 0, idle: 0, other: 0 };
        let jobs = 0;
        for (const [kind, , length, list] of track.slices) {
          sum[kind in sum ? kind : "other"] += length;
          jobs += list ? list.length : 0;
        }
        const share = sum.job ? `${((100 * sum.job) / group.length_ns).toFixed(1)} %` : "";
        const cell = (text) => element("td", { class: "number" }, text);
        return element("tr", {},
          element("th", { scope: "row", class: "text" }, track.name),
          element("td", { class: "text" }, track.place),
          ...[String(jobs), brief(sum.job), share, brief(sum.idle), brief(sum.other)].map(cell));
      });
      const head = ["Track", "Is", "Jobs", "In jobs", "Of the whole", "Idle", "Other"];
      const columns = head.map((text, index) =>
        element("th", { scope: "col", class: index < 2 ? "text" : "number" }, text));
      document.getElementById("busy").replaceChildren(element("table", {},
        element("caption", {}, `Time on each track: ${group.name}, ${brief(group.length_ns)} in all`),
        element("thead", {}, element("tr", {}, ...columns)),
        element("tbody", {}, ...rows)));
    }

    function listen() {
      /** Fingers and buttons that are down, by their id. */
      const down = new Map();
      const place = (event) => {
        const box = canvas.getBoundingClientRect();
        return { x: event.clientX - box.left, y: event.clientY - box.top };
      };
      canvas.addEventListener("pointerdown", (event) => {
        down.set(event.pointerId, place(event));
        canvas.setPointerCapture(event.pointerId);
        canvas.classList.add("panning");
      });
      canvas.addEventListener("pointermove", (event) => {
        const now = place(event);
        const before = down.get(event.pointerId);
        if (!before) return tell(find(now.x, now.y), now.x, now.y);
        const other = [...down].find(([id]) => id !== event.pointerId);
        if (other) {
          const distance = (from) => Math.max(20, Math.abs(from.x - other[1].x));
          zoom(distance(before) / distance(now), other[1].x);
        } else {
          const moved = ((before.x - now.x) / plotWidth()) * span();
          show(view.from + moved, view.to + moved);
        }
        down.set(event.pointerId, now);
      });
      const up = (event) => {
        if (down.delete(event.pointerId) && event.type === "pointerup") {
          const { x, y } = place(event);
          tell(find(x, y), x, y);
        }
        canvas.classList.toggle("panning", 0 < down.size);
      };
      canvas.addEventListener("pointerup", up);
      canvas.addEventListener("pointercancel", up);
      canvas.addEventListener("pointerleave", () => tell(null));
      canvas.addEventListener("blur", () => tell(null));
      canvas.addEventListener("wheel", (event) => {
        const { x, y } = place(event);
        const isAll = group.length_ns <= span();
        if (Math.abs(event.deltaY) < Math.abs(event.deltaX)) {
          const moved = (event.deltaX / plotWidth()) * span();
          show(view.from + moved, view.to + moved);
        } else if (isAll && 0 < event.deltaY) {
          // Nothing to zoom out of: the page scrolls.
          return;
        } else {
          zoom(1.0015 ** Math.max(-600, Math.min(600, event.deltaY)), x);
        }
        event.preventDefault();
        tell(find(x, y), x, y);
      }, { passive: false });
      canvas.addEventListener("keydown", (event) => {
        const action = keys[event.key];
        if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        action();
      });
      select.addEventListener("change", () => choose(Number(select.value)));
      document.getElementById("zoom-in").addEventListener("click", () => zoom(0.5));
      document.getElementById("zoom-out").addEventListener("click", () => zoom(2));
      document.getElementById("zoom-work").addEventListener("click", showJobs);
      document.getElementById("zoom-all").addEventListener("click", () => show(0, Infinity));
    }

    /** Goes to another slice, and shows it if it cannot be seen. */
    function go(tracks, slices) {
      const from = chosen || { track: 0, slice: slices < 0 ? 1 : -1 };
      const track = Math.min(Math.max(from.track + tracks, 0), group.tracks.length - 1);
      const list = group.tracks[track].slices;
      const old = group.tracks[from.track].slices[from.slice];
      const at = tracks && old ? firstAfter(list, old[1] + old[2] / 2) : from.slice + slices;
      const slice = Math.min(Math.max(at, 0), list.length - 1);
      if (slice < 0) return;
      const [, start, length] = list[slice];
      if (start + length < view.from || view.to < start) {
        show(start + length / 2 - span() / 2, start + length / 2 + span() / 2);
      }
      tell({ track, slice });
    }

    const keys = {
      ArrowLeft: () => go(0, -1),
      ArrowRight: () => go(0, 1),
      ArrowUp: () => go(-1, 0),
      ArrowDown: () => go(1, 0),
      "+": () => zoom(0.5),
      "=": () => zoom(0.5),
      "-": () => zoom(2),
      0: () => show(0, Infinity),
      Escape: () => tell(null),
    };

    if (groups.length < 2) select.parentElement.hidden = true;
    listen();
    // First the one with the most to see.
    const most = groups.reduce((best, next) =>
      (next.tracks.length - best.tracks.length || next.length_ns - best.length_ns) > 0 ? next : best);
    select.value = groups.indexOf(most);
    choose(Number(select.value));
    new ResizeObserver(() => canvas.clientWidth !== layout.width && resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
    return repaint;
  }

  /** Lines from where each width arrived to where it is when sorted. */
  function bumps(arrivals) {
    const colors = ["#3b82c4", "#d9822b", "#3a9d6e", "#b55fa5", "#c8553d", "#8a7a2f", "#4aa8b5", "#7d72c9"];
    const ofWorker = (worker) => colors[worker % colors.length];
    const sorted = arrivals.map((_, index) => index).sort((a, b) => arrivals[a].h - arrivals[b].h);
    const row = Math.max(3, Math.min(22, 900 / arrivals.length));
    const isDense = row < 13;
    const [left, right, top] = [180, 360, 44];
    const y = (place) => top + place * row;
    const height = y(arrivals.length - 1) + 22;
    const text = (x, at, anchor, kind, value) =>
      element("text", { x, y: at, "text-anchor": anchor, class: kind, "dominant-baseline": "middle" }, value);
    const lines = sorted.map((from, to) => {
      const { h, worker, after_ns } = arrivals[from];
      const stroke = ofWorker(worker);
      const [a, b, middle] = [y(from), y(to), (left + right) / 2];
      const line = element("g", {},
        element("title", {}, `h ${short(h)}: arrived as number ${from + 1}, from worker ${worker}, after ${time(after_ns)}; number ${to + 1} when sorted`),
        element("path", { d: `M${left} ${a}C${middle} ${a} ${middle} ${b} ${right} ${b}`, stroke }),
        element("circle", { cx: left, cy: a, r: isDense ? 1.5 : 4, fill: stroke }),
        element("circle", { cx: right, cy: b, r: isDense ? 1.5 : 4, fill: stroke }));
      const isEnd = (place) => place === 0 || place === arrivals.length - 1;
      if (!isDense || isEnd(from)) {
        line.append(text(left - 12, a, "end", "", short(h)));
        line.append(text(left - 84, a, "end", "quiet", time(after_ns, after_ns, 4)));
      }
      if (!isDense || isEnd(to)) line.append(text(right + 12, b, "start", "", short(h)));
      return line;
    });
    const picture = element("svg", { viewBox: `0 0 455 ${height}`, role: "img", "aria-label": "Each width’s place as it arrived, and when sorted" },
      text(left, 14, "end", "head", "arrived"),
      text(right, 14, "start", "head", "sorted"),
      ...lines);
    const workers = [...new Set(arrivals.map(({ worker }) => worker))].sort((a, b) => a - b);
    const items = workers.map((worker) =>
      element("li", {}, element("i", { style: `background: ${ofWorker(worker)}` }), `worker ${worker}`));
    document.getElementById("bumps").replaceChildren(
      picture, element("ul", { class: "legend", "aria-label": "Colours" }, ...items));
  }

  const repaint = data.groups.length ? timeline(data.groups) : () => {};
  if (data.arrivals.length) bumps(data.arrivals);

  // Paper is white, and cannot be unfolded.
  window.addEventListener("beforeprint", () => {
    root.classList.add("printing");
    document.querySelectorAll("details").forEach((details) => { details.open = true; });
    repaint();
  });
  window.addEventListener("afterprint", () => {
    root.classList.remove("printing");
    repaint();
  });
})();
