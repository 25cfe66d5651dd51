// Brings the page to life: light or dark, values under the pointer, series that hide, tables
// that sort, the ring. All that it shows stands in the page; it asks nobody for anything.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const SVG = 'http://www.w3.org/2000/svg';

  /** A new element with these attributes and children; texts are texts, never markup. */
  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === 'onclick') element.addEventListener('click', value);
      else if (value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  }

  function draw(name, attributes = {}, text) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  const number = (value) => String(value).replace('-', '−');
  const isPress = (event) => event.key === 'Enter' || event.key === ' ';

  // Light or dark.
  {
    const button = document.getElementById('theme');
    const root = document.documentElement;
    const isDark = () => (root.dataset.theme
      ? root.dataset.theme === 'dark'
      : matchMedia('(prefers-color-scheme: dark)').matches);
    button.hidden = false;
    button.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; });
  }

  // The scenario as a file.
  {
    const button = document.getElementById('save');
    button.hidden = false;
    button.addEventListener('click', () => {
      const url = URL.createObjectURL(new Blob([data.scenario], { type: 'application/json' }));
      const link = make('a', { href: url, download: 'scenario.json' });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    });
  }

  // Tables.
  for (const table of document.querySelectorAll('main table')) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    if (body.rows.length < 2) continue;
    heads.forEach((head, column) => {
      const isNumber = head.classList.contains('number');
      const value = (row) => {
        const cell = row.cells[column];
        if (!isNumber) return cell.textContent;
        const text = cell.dataset.value ?? cell.textContent;
        return text === '–' || text === '' ? NaN : Number(text.replace('−', '-'));
      };
      const button = make('button', { type: 'button' }, ...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const down = head.getAttribute('aria-sort') === 'ascending';
        for (const other of heads) other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const rows = [...body.rows].map((row) => [value(row), row]);
        // What is no number comes last either way.
        const compare = (a, b) => (Number.isNaN(a) - Number.isNaN(b)
          || (a < b ? -1 : Number(a > b)) * (down ? -1 : 1));
        rows.sort((a, b) => compare(a[0], b[0]));
        body.append(...rows.map((row) => row[1]));
      });
    });
  }

  // Plots.
  for (const figure of document.querySelectorAll('[data-figure]')) {
    plot(figure, data.figures[Number(figure.dataset.figure)]);
  }

  function plot(figure, values) {
    const svg = figure.querySelector('svg');
    const paper = figure.querySelector('.paper');
    const hidden = new Set();
    const isHidden = (entries) => entries.some((entry) => hidden.has(entry));
    const box = make('div', { class: 'value', role: 'status' });
    figure.append(box);
    const spot = draw('circle', { class: 'spot hidden', r: 26 });
    svg.append(spot);

    for (const entry of svg.querySelectorAll('[data-l]')) {
      const own = Number(entry.dataset.l);
      const marks = [...svg.querySelectorAll('[data-e]')]
        .filter((mark) => mark.dataset.e.split(' ').includes(String(own)));
      if (marks.length === 0) continue;
      const words = [...entry.querySelectorAll('text')].map((text) => text.textContent).join(' ');
      const area = entry.getBBox();
      entry.prepend(draw('rect', {
        x: area.x - 20, y: area.y - 12, width: area.width + 40, height: area.height + 24, rx: 16,
      }));
      entry.setAttribute('role', 'button');
      entry.setAttribute('tabindex', '0');
      entry.setAttribute('aria-label', `show ${words}`);
      entry.setAttribute('aria-pressed', 'true');
      const toggle = () => {
        if (!hidden.delete(own)) hidden.add(own);
        entry.setAttribute('aria-pressed', String(!hidden.has(own)));
        for (const mark of svg.querySelectorAll('[data-e]')) {
          const entries = mark.dataset.e === '' ? [] : mark.dataset.e.split(' ').map(Number);
          mark.classList.toggle('hidden', isHidden(entries));
        }
        show(null);
      };
      entry.addEventListener('click', toggle);
      entry.addEventListener('keydown', (event) => {
        if (!isPress(event)) return;
        event.preventDefault();
        toggle();
      });
    }
    // A group of buttons is no image.
    svg.setAttribute('role', 'group');

    const all = () => values.series.filter((series) => !isHidden(series.e));

    function words(series, [, , x, y]) {
      const lines = [];
      if (series.name) lines.push(series.name);
      const name = values.names[x];
      lines.push(values.names.length > 0 && name !== undefined ? name : `${values.x}: ${number(x)}`);
      if (y !== null) lines.push(`${values.y}: ${number(y)}`);
      return lines.join('\n');
    }

    function show(found) {
      spot.classList.toggle('hidden', !found);
      if (!found) {
        box.textContent = '';
        return;
      }
      const [x, y] = found.point;
      spot.setAttribute('cx', x);
      spot.setAttribute('cy', y);
      box.textContent = words(found.series, found.point);
      const frame = figure.getBoundingClientRect();
      const at = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
      const left = at.x - frame.left;
      const top = at.y - frame.top;
      const toLeft = left + 14 + box.offsetWidth > frame.width;
      box.style.left = `${Math.max(4, toLeft ? left - 14 - box.offsetWidth : left + 14)}px`;
      // Not over the title.
      const isHigh = top - box.offsetHeight - 8 < 64;
      box.style.top = `${isHigh ? top + 14 : top - box.offsetHeight - 8}px`;
    }

    svg.addEventListener('pointermove', (event) => {
      const at = new DOMPoint(event.clientX, event.clientY)
        .matrixTransform(svg.getScreenCTM().inverse());
      let found = null;
      let nearest = 140 ** 2;
      for (const series of all()) {
        for (const point of series.points) {
          const distance = (point[0] - at.x) ** 2 + (point[1] - at.y) ** 2;
          if (distance < nearest) [nearest, found] = [distance, { series, point }];
        }
      }
      show(found);
    });
    svg.addEventListener('pointerleave', () => show(null));

    // By keys: along a series, and from one to the next.
    paper.setAttribute('tabindex', '0');
    paper.setAttribute('role', 'group');
    paper.setAttribute('aria-label', `${svg.getAttribute('aria-label')}: arrow keys show the values`);
    let at = [0, -1];
    paper.addEventListener('keydown', (event) => {
      const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      const step = steps[event.key];
      if (event.key === 'Escape') show(null);
      if (!step || event.target !== paper) return;
      const visible = all();
      if (visible.length === 0) return;
      event.preventDefault();
      const wrap = (place, count) => (place + count) % count;
      const series = visible[wrap(Math.min(at[0], visible.length - 1) + step[0], visible.length)];
      const points = [...series.points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      const place = at[1] < 0 && step[1] <= 0 ? 0 : wrap(Math.min(at[1], points.length - 1) + step[1], points.length);
      at = [visible.indexOf(series), place];
      show({ series, point: points[place] });
    });
    paper.addEventListener('blur', () => show(null));
  }

  // The ring; where there are several, the one that is chosen.
  if (data.rings.length > 0) {
    const svg = document.getElementById('ring-drawing');
    const panel = document.getElementById('ring-panel');
    let stop = ring(data.rings[0], svg, panel);
    if (data.rings.length > 1) {
      const choice = make('select', { id: 'ring-choice' }, ...data.rings.map((film, place) => make('option', { value: place }, film.title)));
      choice.addEventListener('change', () => {
        stop();
        const film = data.rings[Number(choice.value)];
        document.getElementById('ring-which').textContent = film.title;
        stop = ring(film, svg, panel);
      });
      document.getElementById('ring-view').before(make('label', { class: 'choice' }, make('span', {}, 'Ring'), choice));
    }
  }

  /** Shows a ring in place of the one that is there; what it returns stops its time. */
  function ring(film, svg, panel) {
    const RADIUS = 270;
    // Not two of them listen to the marks of one.
    svg.replaceChildren();
    panel.replaceChildren();
    const size = 1n << BigInt(film.bits);
    const nodes = film.nodes.map(([address, id, share]) => ({ address, id, share, value: BigInt(`0x${id}`) }));
    const keys = film.keys.map(([id, share]) => ({ id, share, value: BigInt(`0x${id}`) }));
    const STANDINGS = ['up', 'joining', 'leaving', 'frozen'];

    // Everything that is there, at every frame.
    let now = new Map();
    const frames = film.frames.map(([seconds, changed, gone, happenings, lookups, ofTheRun]) => {
      now = new Map(now);
      const came = [];
      for (const node of gone) now.delete(node);
      for (const [node, standing, predecessor, successors, runs, owned, values] of changed) {
        if (!now.has(node)) came.push(node);
        const fingers = [];
        for (let place = 0; place < runs.length; place += 2) fingers.push([runs[place], runs[place + 1]]);
        now.set(node, { node, standing: STANDINGS[standing], predecessor, successors, fingers, owned, values });
      }
      const order = [...now.keys()].filter((node) => now.get(node).standing !== 'frozen')
        .sort((a, b) => (nodes[a].value < nodes[b].value ? -1 : 1));
      const after = new Map(order.map((node, place) => [node, order[(place + 1) % order.length]]));
      const before = new Map(order.map((node, place) => [node, order[(place + order.length - 1) % order.length]]));
      const asked = ofTheRun.map(([when, took, [id, share], route]) => (
        { when, took, ...journey({ id, share, value: BigInt(`0x${id}`) }, route) }));
      return { seconds, states: now, order, after, before, came, gone, happenings, lookups, asked };
    });
    // The frames at whose moments any key can be looked up from any node, with these ways.
    const moments = new Map(film.asked.map(([place, ways]) => {
      const routes = new Map();
      for (const [key, route] of ways) routes.set(`${key} ${route[2][0]}`, journey(keys[key], route));
      return [place, routes];
    }));

    /** Where a lookup went, and how it ended. */
    function journey(key, [ending, owner, path, timeouts = []]) {
      return { key, ending: ['right', 'wrong', 'failed', 'open'][ending], owner, path, timeouts };
    }

    let frame = frames.length - 1;
    let chosen = null;
    let way = null; // { route, step, ofTheRun }: a lookup, how far it has come, whose it is
    const lastFrame = frames.length - 1;

    const short = (id) => (id.length > 12 ? `${id.slice(0, 8)}…` : id);
    const seconds = (value) => `${number(Number(value.toPrecision(6)))} s`;
    const isUp = (node) => frames[frame].after.has(node);
    const ownerOf = (key) => {
      const { order } = frames[frame];
      return order.find((node) => nodes[node].value >= key.value) ?? order[0];
    };
    const isLost = (state) => state.standing !== 'frozen' && frames[frame].after.get(state.node) !== (state.successors[0] ?? -1);
    const at = (share, radius = RADIUS) => {
      const angle = share * 2 * Math.PI;
      return [Math.sin(angle) * radius, -Math.cos(angle) * radius];
    };

    // What is drawn: the ring below, then pointers, then nodes.
    const caption = document.getElementById('ring-caption');
    caption.textContent = '● up, ○ joining, ▲ leaving, ■ frozen, × gone since the frame before, ◆ key; a dashed ring around a node: its successor is not the right one.';
    const lines = draw('g');
    const marks = draw('g');
    const labels = draw('g', { 'pointer-events': 'none' });
    svg.append(draw('circle', { class: 'orbit', r: RADIUS }), lines, marks, labels);

    function arrow(from, to, kind, bend) {
      if (from === to) return;
      const [x0, y0] = at(nodes[from].share);
      const [x1, y1] = at(nodes[to].share);
      const [cx, cy] = [(x0 + x1) / 2 * bend, (y0 + y1) / 2 * bend];
      // It ends at the edge of the mark, seen from where it comes.
      const length = Math.hypot(x1 - cx, y1 - cy) || 1;
      const [dx, dy] = [(x1 - cx) / length, (y1 - cy) / length];
      const back = radius() + 3;
      const [ex, ey] = [x1 - dx * back, y1 - dy * back];
      const round = (value) => value.toFixed(1);
      lines.append(draw('path', { class: `pointer ${kind}`, d: `M${round(x0)} ${round(y0)}Q${round(cx)} ${round(cy)} ${round(ex - dx * 6)} ${round(ey - dy * 6)}` }));
      const tip = [[ex, ey], [ex - dx * 10 - dy * 4.5, ey - dy * 10 + dx * 4.5], [ex - dx * 10 + dy * 4.5, ey - dy * 10 - dx * 4.5]];
      lines.append(draw('path', { class: `tip ${kind}`, d: `M${tip.map((point) => point.map(round).join(' ')).join('L')}z` }));
    }

    function radius() {
      const count = frames[frame].states.size;
      return count <= 40 ? 9 : count <= 120 ? 6 : 4.5;
    }

    function shape(standing, size) {
      const path = {
        leaving: `M0 ${-size * 1.3}L${size * 1.2} ${size * 0.9}L${-size * 1.2} ${size * 0.9}z`,
        frozen: `M${-size} ${-size}H${size}V${size}H${-size}z`,
      }[standing];
      return path ? draw('path', { class: 'node', d: path }) : draw('circle', { class: 'node', r: size });
    }

    function drawNodes() {
      const focused = document.activeElement?.dataset?.node;
      const { states, gone } = frames[frame];
      const size = radius();
      const onWay = new Set(way ? way.route.path.slice(0, way.step + 1) : []);
      const shown = [];
      const order = [...states.keys()].sort((a, b) => (nodes[a].value < nodes[b].value ? -1 : 1));
      const few = order.length <= 40;
      for (const node of order) {
        const state = states.get(node);
        const [x, y] = at(nodes[node].share);
        const classes = ['spin', state.standing];
        if (isLost(state)) classes.push('lost');
        if (node === chosen) classes.push('chosen');
        if (onWay.has(node)) classes.push('on-way');
        const mark = draw('g', {
          class: classes.join(' '), transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, role: 'button',
          'data-node': node, 'aria-pressed': String(node === chosen),
          'aria-label': `node ${nodes[node].id}, ${state.standing}${isLost(state) ? ', its successor is not the right one' : ''}`,
          tabindex: node === (chosen ?? order[0]) ? '0' : '-1',
        });
        mark.append(draw('title', {}, `${nodes[node].id}\n${nodes[node].address}\n${state.standing}`));
        mark.append(draw('circle', { class: 'hit', r: size + 5 }), shape(state.standing, size));
        mark.append(draw('circle', { class: 'alarm', r: size + 3.5, fill: 'none' }));
        shown.push(mark);
      }
      for (const node of gone) {
        const [x, y] = at(nodes[node].share);
        shown.push(draw('path', { class: 'gone', d: 'M-6 -6L6 6M-6 6L6 -6', transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` }));
      }
      keys.forEach((key, place) => {
        const [x, y] = at(key.share, RADIUS - size - 14);
        const isChosen = way ? way.route.key === key : Number(keyChoice.value) === place;
        const mark = draw('path', {
          class: `key${isChosen ? ' chosen' : ''}`, d: 'M0 -6L6 0L0 6L-6 0z', 'data-key': place,
          transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})${isChosen ? ' scale(1.5)' : ''}`,
        });
        mark.append(draw('title', {}, `key ${key.id}`));
        mark.addEventListener('click', () => {
          keyChoice.value = place;
          begin();
        });
        shown.push(mark);
      });
      if (way && !keys.includes(way.route.key)) {
        const [x, y] = at(way.route.key.share, RADIUS - size - 14);
        const mark = draw('path', { class: 'key chosen', d: 'M0 -6L6 0L0 6L-6 0z', transform: `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(1.5)` });
        mark.append(draw('title', {}, `key ${way.route.key.id}`));
        shown.push(mark);
      }
      marks.replaceChildren(...shown);
      labels.replaceChildren();
      if (few) {
        // Where nodes crowd, only some have a name beside them; all have it in their title.
        const placed = [];
        const first = (chosen !== null && states.has(chosen) ? [chosen] : []).concat(order);
        for (const node of first) {
          const [x, y] = at(nodes[node].share, RADIUS + size + 9);
          const side = x > 60 ? 1 : x < -60 ? -1 : 0;
          const middle = x + side * 24;
          if (placed.some(([left, top]) => Math.abs(left - middle) < 52 && Math.abs(top - y) < 13)) continue;
          placed.push([middle, y]);
          const anchor = ['end', 'middle', 'start'][side + 1];
          labels.append(draw('text', { class: `name ${anchor}`, x: x.toFixed(1), y: y.toFixed(1), dy: side === 0 ? (y < 0 ? '0' : '.7em') : '.35em' }, nodes[node].id.slice(0, 6)));
        }
      }
      if (focused !== undefined) marks.querySelector(`[data-node="${focused}"]`)?.focus();
    }

    function drawLines() {
      lines.replaceChildren();
      if (way) {
        const { path } = way.route;
        path.slice(1, way.step + 1).forEach((node, place) => arrow(path[place], node, 'way', 0.45));
        const { owner } = way.route;
        if (way.step === path.length - 1 && owner >= 0) arrow(path[way.step], owner, 'answer', 0.8);
        path.slice(0, way.step + 1).forEach((node, place) => {
          const [x, y] = at(nodes[node].share, RADIUS - 34);
          labels.append(draw('text', { class: 'hop', x: x.toFixed(1), y: y.toFixed(1), dy: '.35em' }, String(place)));
        });
        return;
      }
      const state = chosen === null ? undefined : frames[frame].states.get(chosen);
      if (!state) return;
      const kind = (node, name) => (isUp(node) ? name : 'stale');
      const drawn = new Set();
      for (const [, node] of state.fingers) {
        if (node >= 0 && !drawn.has(node)) arrow(chosen, node, kind(node, 'finger'), 0.35);
        drawn.add(node);
      }
      for (const node of state.successors) arrow(chosen, node, kind(node, 'next'), 0.8);
      if (state.predecessor >= 0) arrow(chosen, state.predecessor, kind(state.predecessor, 'before'), 0.7);
    }

    function choose(node) {
      chosen = chosen === node && !way ? null : node;
      way = null;
      update();
    }

    marks.addEventListener('click', (event) => {
      const mark = event.target.closest('[data-node]');
      if (mark) choose(Number(mark.dataset.node));
    });
    marks.addEventListener('keydown', (event) => {
      const mark = event.target.closest('[data-node]');
      if (!mark) return;
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step) {
        const all = [...marks.querySelectorAll('[data-node]')];
        const next = all[(all.indexOf(mark) + step + all.length) % all.length];
        next.setAttribute('tabindex', '0');
        mark.setAttribute('tabindex', '-1');
        next.focus();
      } else if (isPress(event)) choose(Number(mark.dataset.node));
      else return;
      event.preventDefault();
    });

    // The panel: time, a lookup, a node.
    const timeText = make('p', { 'aria-live': 'polite', id: 'ring-now' });
    const slider = make('input', { type: 'range', min: 0, max: lastFrame, step: 1, 'aria-label': 'time' });
    let timer = null;
    const play = make('button', { type: 'button', id: 'ring-play', onclick: () => {
      if (timer !== null) return stop();
      if (frame === lastFrame) moveTo(0);
      timer = setInterval(() => (frame < lastFrame ? moveTo(frame + 1) : stop()), 600);
      play.textContent = '❚❚ Pause';
    } }, '▶ Play');
    function stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
      play.textContent = '▶ Play';
    }
    function moveTo(next) {
      frame = Math.max(0, Math.min(lastFrame, next));
      way = null;
      update();
    }
    slider.addEventListener('input', () => { stop(); moveTo(Number(slider.value)); });
    const events = make('ul', { class: 'events' });
    frames.forEach(({ happenings }, place) => {
      for (const [when, what] of happenings) {
        events.append(make('li', {}, make('button', { type: 'button', onclick: () => { stop(); moveTo(place); } }, `${seconds(when)}: ${what}`)));
      }
    });
    const time = make('fieldset', {}, make('legend', {}, 'Time'), timeText);
    if (frames.length > 1) {
      time.append(slider, make('div', { class: 'bar' },
        make('button', { type: 'button', id: 'ring-earlier', onclick: () => { stop(); moveTo(frame - 1); } }, '◀ Earlier'), play,
        make('button', { type: 'button', id: 'ring-later', onclick: () => { stop(); moveTo(frame + 1); } }, 'Later ▶')), events);
    }

    const keyChoice = make('select', { id: 'ring-key' }, ...keys.map((key, place) => make('option', { value: place }, key.id)));
    const startChoice = make('select', { id: 'ring-start' });
    const runChoice = make('select', { id: 'ring-run' });
    const runText = make('p', { id: 'ring-run-text' });
    const wayText = make('div', { 'aria-live': 'polite', id: 'ring-way' });

    /** The frame nearest to this one at whose moment lookups can be asked. */
    function askedAt() {
      const distance = (place) => Math.abs(frames[place].seconds - frames[frame].seconds);
      return [...moments.keys()].reduce((a, b) => (distance(b) < distance(a) ? b : a));
    }
    function startsAt(place) {
      return [...new Set([...moments.get(place).values()].map((route) => route.path[0]))]
        .sort((a, b) => (nodes[a].value < nodes[b].value ? -1 : 1));
    }
    let offered = null; // the frame whose nodes and lookups are to be chosen from

    /** Offers the nodes that can ask at this moment, and the lookups of the run after it. */
    function offer() {
      if (offered === frame) return;
      offered = frame;
      const before = startChoice.value;
      const starts = startsAt(askedAt());
      startChoice.replaceChildren(...starts.map((node) => make('option', { value: node }, `${nodes[node].id} (${nodes[node].address})`)));
      if (before !== '' && starts.includes(Number(before))) startChoice.value = before;
      const { asked, lookups } = frames[frame];
      runChoice.replaceChildren(make('option', { value: '' }, 'choose one'), ...asked.map((route, place) => {
        const hops = route.path.length - 1;
        const parts = [`${hops} ${hops === 1 ? 'hop' : 'hops'}`];
        if (route.timeouts.length) parts.push(count(route.timeouts.length, 'time-out'));
        const mark = { right: '✓', wrong: '✗ wrong', failed: '✗ no answer', open: 'open at the end' }[route.ending];
        return make('option', { value: place }, `${mark} ${seconds(route.when)}, key ${short(route.key.id)} from ${short(nodes[route.path[0]].id)}: ${parts.join(', ')}`);
      }));
      runChoice.disabled = asked.length === 0;
      runText.textContent = asked.length === 0 ? 'The run asked none between this moment and the next one shown.'
        : `${asked.length} of the ${number(lookups)} that the run asked between this moment and the next one shown, among them the first that met with trouble.`;
    }
    const count = (many, what) => `${many} ${what}${many === 1 ? '' : 's'}`;

    function begin() {
      stop();
      const place = askedAt();
      const route = moments.get(place).get(`${keyChoice.value} ${startChoice.value}`);
      if (!route) return;
      frame = place;
      chosen = null;
      way = { route, step: 0, ofTheRun: false };
      update();
    }
    runChoice.addEventListener('change', () => {
      stop();
      const route = frames[frame].asked[Number(runChoice.value)];
      chosen = null;
      way = runChoice.value === '' || !route ? null : { route, step: 0, ofTheRun: true };
      update();
    });
    function step(by) {
      if (!way) begin();
      if (!way) return;
      way.step = Math.max(0, Math.min(way.route.path.length - 1, way.step + by));
      update();
    }
    const back = make('button', { type: 'button', id: 'ring-back', onclick: () => step(-1) }, '◀ Back');
    const forth = make('button', { type: 'button', id: 'ring-step', onclick: () => step(1) }, 'Step ▶');
    const whole = make('button', { type: 'button', id: 'ring-all', onclick: () => step(Infinity) }, 'To the end');
    const clear = make('button', { type: 'button', onclick: () => { way = null; update(); } }, 'Clear');
    keyChoice.addEventListener('change', begin);
    startChoice.addEventListener('change', begin);
    const lookup = make('fieldset', {}, make('legend', {}, 'A lookup, hop by hop'),
      make('label', {}, make('span', {}, 'Key'), keyChoice),
      make('label', {}, make('span', {}, 'From'), startChoice),
      ...(frames.some(({ asked }) => asked.length > 0)
        ? [make('label', {}, make('span', {}, 'In the run'), runChoice), runText] : []),
      make('div', { class: 'bar' }, back, forth, whole, clear), wayText);
    const nodeText = make('div', { id: 'ring-node' });
    const node = make('fieldset', {}, make('legend', {}, 'A node'), nodeText);
    panel.append(time, lookup, node);

    function link(other, from) {
      if (other < 0) return '–';
      const button = make('button', { type: 'button', class: 'link', title: nodes[other].id, onclick: () => {
        chosen = null;
        choose(other);
      } }, short(nodes[other].id));
      if (other === from) return make('span', {}, button, ' (itself)');
      return isUp(other) ? button : make('span', { class: 'bad' }, button, ' ✗ not up');
    }

    function drawTime() {
      const { seconds: when, states, order, came, gone } = frames[frame];
      slider.value = frame;
      const count = (name) => [...states.values()].filter((state) => state.standing === name).length;
      const parts = [`${order.length} up`];
      for (const name of ['joining', 'leaving', 'frozen']) if (count(name)) parts.push(`${count(name)} ${name}`);
      if (frame > 0) parts.push(`${came.length} new and ${gone.length} gone since the frame before`);
      const lost = [...states.values()].filter(isLost).length;
      parts.push(lost ? `${lost} with a wrong successor (dashed ring)` : 'every successor right');
      timeText.textContent = `${frames.length > 1 ? `${seconds(when)}: ` : ''}${parts.join(', ')}.`;
      slider.setAttribute('aria-valuetext', seconds(when));
    }

    /** By which of its pointers a node passed a lookup on. */
    function pointer(from, to) {
      const state = frames[frame].states.get(from);
      if (!state) return '';
      const place = state.successors.indexOf(to);
      if (place === 0) return 'its successor';
      const finger = state.fingers.find(([, target]) => target === to);
      if (finger) return `finger ${finger[0] + 1}`;
      return place > 0 ? `successor ${place + 1}` : '';
    }

    function drawWay() {
      back.disabled = !way || way.step === 0;
      clear.disabled = !way;
      const ended = way && way.step === way.route.path.length - 1;
      forth.disabled = whole.disabled = Boolean(ended);
      if (!way) {
        const place = askedAt();
        const when = frames.length === 1 ? '' : place === frame
          ? ` It is asked at this moment, ${seconds(frames[place].seconds)}.`
          : ` It is asked at ${seconds(frames[place].seconds)}, the nearest moment at which that was simulated.`;
        wayText.replaceChildren(make('p', { class: 'idle' }, `Choose a key and a node to start from, or click a key (◆) on the ring.${when}${film.crowded ? ' All such lookups are asked at once: they wait for one another at busy nodes.' : ''}`));
        return;
      }
      const { route } = way;
      const { key } = route;
      const share = (from) => Number((((key.value - nodes[from].value) % size + size) % size * 1000000n) / size) / 10000;
      const list = make('ol', { start: 0 });
      route.path.forEach((hop, place) => {
        if (place > way.step) return;
        const item = make('li', {}, link(hop, -2), place > 0 ? ` by ${pointer(route.path[place - 1], hop) || 'what it was told'}` : '', `, ${number(share(hop))} % of the ring to go`);
        const silent = route.timeouts.filter((at) => at === place).length;
        if (silent) item.append(make('span', { class: 'bad' }, `; ${silent === 1 ? 'a node' : `${silent} nodes`} that it asked did not answer`));
        if (place === way.step) item.setAttribute('aria-current', 'step');
        list.append(item);
      });
      const when = way.ofTheRun ? route.when : frames[frame].seconds;
      const shown = frames.length === 1 ? [list]
        : [make('p', {}, `Key ${short(key.id)}, asked at ${seconds(when)}${way.ofTheRun ? ' in the run' : ''}:`), list];
      if (ended) {
        const took = way.ofTheRun && route.took !== null ? ` and ${number(Number(route.took.toPrecision(4)))} ms` : '';
        const text = `after ${count(route.path.length - 1, 'hop')}${route.timeouts.length ? `, ${count(route.timeouts.length, 'time-out')}` : ''}${took}`;
        const right = ownerOf(key);
        // What was right when the run's own was answered is not known here.
        const instead = way.ofTheRun || right === route.owner || right === undefined ? [] : [' instead of ', link(right, -2)];
        shown.push({
          right: () => make('p', {}, `✓ Answered ${text}: the key's owner is `, link(route.owner, -2), '.'),
          wrong: () => make('p', { class: 'bad' }, `✗ Answered wrongly ${text}: `, link(route.owner, -2), ...instead, '.'),
          failed: () => make('p', { class: 'bad' }, `✗ No answer ${text}.`),
          open: () => make('p', {}, `Not answered yet when the run ended, ${text}.`),
        }[route.ending]());
      }
      wayText.replaceChildren(...shown);
    }

    function drawNode() {
      const state = chosen === null ? undefined : frames[frame].states.get(chosen);
      if (chosen !== null && !state) {
        nodeText.replaceChildren(make('p', {}, `Node ${short(nodes[chosen].id)} is not there at this moment.`));
        return;
      }
      if (!state) {
        nodeText.replaceChildren(make('p', { class: 'idle' }, 'Click a node to see its predecessor, successors, fingers and keys.'));
        return;
      }
      const { id, address } = nodes[chosen];
      const wrong = (found, right) => (isUp(chosen) && found >= 0 && isUp(found) && found !== right ? make('span', { class: 'bad' }, ' ✗ not the right one') : '');
      const list = make('dl');
      const entry = (name, kind, ...what) => list.append(make('dt', {}, ...(kind ? [make('span', { class: `swatch ${kind}` })] : []), name), make('dd', {}, ...what));
      entry('address', '', address);
      entry('it is', '', state.standing);
      entry('predecessor', 'before', link(state.predecessor, chosen), wrong(state.predecessor, frames[frame].before.get(chosen)));
      const successors = state.successors.flatMap((next, place) => [...(place ? [', '] : []), link(next, chosen), place === 0 ? wrong(next, frames[frame].after.get(chosen)) : '']);
      entry(state.successors.length > 1 ? 'successors' : 'successor', 'next', ...(successors.length ? successors : ['–']));
      const held = keys.filter((key) => isUp(chosen) && ownerOf(key) === chosen);
      if (state.owned !== null) entry('keys', '', `owns ${number(state.owned)}${held.length ? `; of those shown: ${held.map((key) => short(key.id)).join(', ')}` : ''}`);
      else if (held.length) entry('keys', '', held.map((key) => short(key.id)).join(', '));
      if (state.values !== null) entry('values', '', `holds ${number(state.values)}`);
      const shown = [make('h3', {}, `Node ${id}`), list];
      if (film.fingers && state.fingers.length) {
        const rows = state.fingers.map(([first, target], place) => {
          const last = (state.fingers[place + 1]?.[0] ?? film.bits) - 1;
          const start = (nodes[chosen].value + (1n << BigInt(first))) % size;
          const digits = start.toString(16).padStart(id.length, '0');
          return make('tr', {}, make('td', {}, first === last ? String(first + 1) : `${first + 1}–${last + 1}`),
            make('td', { title: digits }, short(digits)), make('td', {}, link(target, chosen)));
        });
        shown.push(make('table', {},
          make('caption', {}, make('span', { class: 'swatch finger' }), 'fingers'),
          make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'finger'), make('th', { scope: 'col' }, 'starts at'), make('th', { scope: 'col' }, 'node'))),
          make('tbody', {}, ...rows)));
      }
      if (startsAt(askedAt()).includes(chosen)) {
        shown.push(make('div', { class: 'bar' }, make('button', { type: 'button', onclick: () => {
          startChoice.value = chosen;
          begin();
        } }, 'Look the key up from here')));
      }
      nodeText.replaceChildren(...shown);
    }

    function update() {
      offer();
      if (!way?.ofTheRun) runChoice.value = '';
      drawNodes();
      drawLines();
      drawTime();
      drawWay();
      drawNode();
    }
    update();
    return stop;
  }

  document.documentElement.dataset.ready = '1';
})();
