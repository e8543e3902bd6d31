// The connection to the playground: events come in, actions go out.

const token = document.querySelector("meta[name=playground-token]").content;

/** Does something; rejects with what a person should read. */
export async function act(name, body) {
  let answer;
  try {
    answer = await fetch(`/do/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-playground": token },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The playground does not answer. Was it ended?");
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error ?? `The playground answered ${answer.status}.`);
  return said;
}

/** Takes events for as long as the page is there. */
export function follow(take, connected) {
  let source = null;
  let last = "";
  const open = () => {
    source = new EventSource(last === "" ? "/events" : `/events?after=${last}`);
    source.onopen = () => connected(true);
    source.onerror = () => connected(false);
    source.onmessage = (event) => {
      // The playground was started again: what is shown is of the one before, which takes nothing any more.
      if (!event.lastEventId.startsWith(`${token}.`)) return location.reload();
      last = event.lastEventId;
      take(JSON.parse(event.data));
    };
  };
  // A browser has six connections to a place at most, for all tabs. One that nobody sees goes on when it is shown.
  const look = () => {
    if (document.hidden) source?.close();
    else if (!source || source.readyState === EventSource.CLOSED) open();
  };
  document.addEventListener("visibilitychange", look);
  look();
}
