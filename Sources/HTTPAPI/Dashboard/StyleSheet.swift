// The dashboard's style sheet: system fonts, light and dark by the reader's setting, states told by words and shapes.

/// What `/style.css` serves.
enum StyleSheet {
    static let text = """
        :root {
          color-scheme: light dark;
          --page: #f6f7f9; --card: #ffffff; --ink: #1a2230; --soft: #566173; --line: #dde2ea; --accent: #1f5fbf;
          --good: #17693a; --good-back: #e3f4e9; --bad: #a3211c; --bad-back: #fce8e6;
          --wait: #7a5200; --wait-back: #fdf1d6; --calm-back: #eaeef4;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #11151b; --card: #1a2029; --ink: #e6eaf0; --soft: #9aa6b7; --line: #2c3542; --accent: #7db2ff;
            --good: #7fd8a0; --good-back: #16301f; --bad: #ff9d94; --bad-back: #3a1a18;
            --wait: #f0c36a; --wait-back: #34280f; --calm-back: #252d39;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink);
          font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
        a { color: var(--accent); text-decoration: none; }
        a:hover { text-decoration: underline; }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
        .skip { position: absolute; left: -10000px; }
        .skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .3rem .6rem; }
        header { background: var(--card); border-bottom: 1px solid var(--line); }
        header > div, main, footer { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
        header > div { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1.75rem; min-height: 3.5rem; }
        .brand { font-weight: 700; font-size: 1.1rem; letter-spacing: .01em; color: var(--ink); }
        nav ul { display: flex; gap: 1.25rem; list-style: none; margin: 0; padding: 0; }
        nav a { padding: .3rem 0; color: var(--soft); }
        nav a[aria-current] { color: var(--ink); font-weight: 600; box-shadow: 0 2px 0 var(--accent); }
        main { padding-top: 1.75rem; padding-bottom: 3rem; }
        footer { padding-top: 1rem; padding-bottom: 2rem; color: var(--soft); font-size: .86rem; }
        h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .35rem; }
        h2 { font-size: 1.08rem; margin: 2rem 0 .6rem; }
        p { margin: .25rem 0; }
        .lead { color: var(--soft); margin-bottom: 1.25rem; max-width: 46rem; }
        .cards { display: grid; grid-template-columns: repeat(3, 1fr); gap: .8rem;
          margin: 1.2rem 0; }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .85rem 1rem; }
        .card dt { color: var(--soft); font-size: .84rem; }
        .card dd { margin: 0; font-size: 1.5rem; font-weight: 650; font-variant-numeric: tabular-nums; }
        .card dd small { font-size: .84rem; font-weight: 400; color: var(--soft); }
        .panel { background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; }
        caption { text-align: left; padding: .7rem 1rem 0; color: var(--soft); font-size: .86rem; }
        th, td { text-align: left; padding: .55rem 1rem; border-bottom: 1px solid var(--line); vertical-align: top; }
        tr:last-child > th, tr:last-child > td { border-bottom: 0; }
        thead th { color: var(--soft); font-weight: 500; font-size: .84rem; white-space: nowrap; }
        tbody th { font-weight: 550; }
        .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        code { font: .86em/1.5 ui-monospace, "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, monospace;
          overflow-wrap: anywhere; }
        .state { display: inline-block; padding: .05rem .55rem; border-radius: 999px; font-size: .84rem; font-weight: 600;
          white-space: nowrap; background: var(--calm-back); color: var(--ink); }
        .good { background: var(--good-back); color: var(--good); }
        .bad { background: var(--bad-back); color: var(--bad); }
        .wait { background: var(--wait-back); color: var(--wait); }
        .facts { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.5rem; padding: .9rem 1rem; margin: 0; }
        .facts dt { color: var(--soft); }
        .facts dd { margin: 0; min-width: 0; }
        .timeline { list-style: none; margin: 0; padding: 1.1rem 1rem .9rem; display: grid; gap: .4rem;
          grid-template-columns: repeat(6, minmax(6.2rem, 1fr)); }
        .timeline li { position: relative; padding-top: 1.35rem; border-top: 3px solid var(--line); }
        .timeline li::before { content: ""; position: absolute; top: -.55rem; left: 0; width: .85rem; height: .85rem;
          border-radius: 50%; background: var(--card); border: 3px solid var(--line); }
        .timeline .done { border-top-color: var(--good); }
        .timeline .done::before { border-color: var(--good); background: var(--good); }
        .timeline .now { border-top-color: var(--accent); }
        .timeline .now::before { border-color: var(--accent); }
        .timeline .stopped { border-top-color: var(--bad); }
        .timeline .stopped::before { border-color: var(--bad); border-radius: 2px; background: var(--bad); }
        .timeline strong { display: block; }
        .timeline span { color: var(--soft); font-size: .84rem; }
        svg.split { display: block; width: 100%; height: .9rem; border-radius: 4px; background: var(--calm-back); }
        svg.split .a { fill: var(--good); } svg.split .b { fill: var(--accent); }
        svg.split .c { fill: var(--wait); } svg.split .d { fill: var(--soft); }
        .settlement { padding: 1rem; }
        .empty { padding: 1.2rem 1rem; color: var(--soft); }
        .button { display: inline-block; margin: 1rem .6rem 0 0; padding: .4rem .9rem; border-radius: 7px;
          border: 1px solid var(--line); background: var(--card); font-weight: 550; }
        th code { white-space: nowrap; }
        @media (max-width: 44rem) {
          .cards { grid-template-columns: repeat(2, 1fr); }
          .timeline { grid-template-columns: 1fr; }
          .timeline li { border-top: 0; padding: 0 0 0 1.6rem; }
          .timeline li::before { top: .3rem; }
          .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: .5rem; }
        }
        @media (prefers-reduced-motion: no-preference) { a, .button { transition: color .12s, background .12s; } }
        """
}
