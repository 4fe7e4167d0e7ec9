import { Document, Logo } from './layout.tsx';

/** A way on from a page that has nothing else. */
export type Way = { href: string; label: string };

const toDashboard: Way = { href: '/', label: 'Go to dashboard' };

/** One sentence for a person: why there is no page here, and where to go. The first way is a button. */
export function MessagePage(props: { title: string; text: string; ways?: readonly Way[] }) {
  const [first = toDashboard, ...others] = props.ways ?? [];
  return (
    <Document title={props.title} class="alone">
      <main class="sign-in">
        <Logo />
        <h1>{props.title}</h1>
        <p>{props.text}</p>
        <p>
          <a class="btn" href={first.href}>
            {first.label}
          </a>
        </p>
        {others.map(({ href, label }) => (
          <p>
            <a href={href}>{label}</a>
          </p>
        ))}
      </main>
    </Document>
  );
}
