// Before the first paint, so that a light page never flashes dark. A file of its own: the CSP allows no inline script.
(function () {
  var root = document.documentElement;
  var chosen = null;
  try {
    chosen = localStorage.getItem('theme');
    root.dataset.pair = localStorage.getItem('pair') || 'tide';
  } catch {
    // Storage is blocked: the system's preference stands.
  }
  root.dataset.theme = chosen || (matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark');
})();
