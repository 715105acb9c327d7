// What belongs to single items of a map: asks for cards and thumbnails, opens what is clicked. Apart
// from map.js, so that pointing at an item does not run the page.
const maps = (globalThis.sextantMaps ??= new Map());

export default function ({ data, setStateValue, setTriggerValue }) {
  const answer = (name, value) => (name === "open" ? setTriggerValue : setStateValue)(name, value);
  let tries = 0, found;
  const connect = () => {
    found = maps.get(data.map);
    if (found) {
      const first = !found.answer;
      found.answer = answer;
      found.told(data);
      if (first) found.ask();
    } else if (tries++ < 100) setTimeout(connect, 50);
  };
  connect();
  return () => { tries = 100; if (found?.answer === answer) found.answer = null; };
}
