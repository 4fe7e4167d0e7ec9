export type Edit = { file: string; find: string; replace: string };
export type Backend = 'postgres' | 'redis';
/** A test by its file and full title, its describe blocks included. */
export type TestName = { file: string; title: string };

export type Mutant = {
  number: number;
  name: string;
  /** The change in one line. */
  change: string;
  /** The guarantee that is lost. */
  loses: string;
  edits: Edit[];
  /** Tests that must fail by an assertion. */
  caughtBy: TestName[];
  /** A test that must still pass, because the change removes one guarantee and not the product. */
  stillWorks: TestName;
  /** The queue backends on which the tests run. */
  backends: Backend[];
};
