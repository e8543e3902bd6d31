// What outlives a reload. A browser may refuse to keep anything, and what it gives back may be anybody's: each use checks it.

/** `where`: `sessionStorage`, of this tab; `localStorage`, of all tabs. */
export function keep(name, value, where = "sessionStorage") {
  try {
    window[where].setItem(name, JSON.stringify(value));
  } catch {
    // Then a reload forgets it.
  }
}

export function recall(name, where = "sessionStorage") {
  try {
    return JSON.parse(window[where].getItem(name));
  } catch {
    return null;
  }
}
