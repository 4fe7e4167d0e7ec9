// Runs before the first paint: the user's choice, else the system setting.
const systemDark = matchMedia('(prefers-color-scheme: dark)');
const chosen = () => {
  try {
    return localStorage.getItem('leadgate-theme');
  } catch {
    return null; // Storage may be forbidden; the system's choice remains.
  }
};
const applyTheme = () => {
  const theme = chosen() ?? (systemDark.matches ? 'dark' : 'light');
  document.documentElement.classList.toggle('dark', theme === 'dark');
};
applyTheme();
systemDark.addEventListener('change', applyTheme);
