import { Document, Logo } from './layout.tsx';

/** One sentence for a person: why there is no page here. */
export function MessagePage(props: { title: string; text: string }) {
  return (
    <Document title={props.title} class="alone">
      <main class="sign-in">
        <Logo />
        <h1>{props.title}</h1>
        <p>{props.text}</p>
        <p>
          <a href="/">Back to the start</a>
        </p>
      </main>
    </Document>
  );
}
