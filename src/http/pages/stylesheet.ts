// The one stylesheet of our own pages, in light and dark.
export const STYLESHEET = `:root {
  color-scheme: light dark;
  --text: light-dark(#1c2430, #e3e8ef);
  --quiet: light-dark(#55606f, #a3afbf);
  --line: light-dark(#d8dee6, #333d4b);
  --page: light-dark(#ffffff, #12171e);
  --block: light-dark(#f4f6f9, #1b222c);
  --link: light-dark(#0b5cad, #7db8f5);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 56rem;
  padding: 1.5rem 1rem 4rem;
  background: var(--page);
  color: var(--text);
  font: 1rem/1.6 system-ui, sans-serif;
}
body.wide { max-width: 90rem; }
header { display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; align-items: baseline; margin-bottom: 2rem; }
header nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; }
header strong { font-size: 1.1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 0.5rem; }
.prose h2 { font-size: 1.1rem; margin: 2rem 0 0.25rem; }
.prose p { margin: 0.25rem 0 0.75rem; }
header a, .prose a { color: var(--link); }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.quiet { color: var(--quiet); }
.prose code, .prose pre { font: 0.9rem/1.5 ui-monospace, monospace; }
.prose pre { background: var(--block); border: 1px solid var(--line); border-radius: 6px; padding: 0.75rem 1rem; overflow-x: auto; }
.scroll { overflow-x: auto; }
.prose table { border-collapse: collapse; width: 100%; }
.prose th, .prose td { text-align: left; vertical-align: top; padding: 0.4rem 1rem 0.4rem 0; border-bottom: 1px solid var(--line); }
.prose th { color: var(--quiet); font-weight: 600; }
`;
