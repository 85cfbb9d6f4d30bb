/** A question about tables, in the columns of b-mc2/sql-create-context. */
export interface TableQuestion {
  readonly question: string;
  readonly context: string;
}

/**
 * Table, plural, text column with two values, number column: tables that the
 * rehearsal holds out of its training.
 */
const TABLES = [
  ["singer", "singers", "country", "Brazil", "Kenya", "net_worth"],
  ["concert", "concerts", "location", "Oslo", "Lima", "attendance"],
  ["restaurant", "restaurants", "cuisine", "Thai", "Greek", "seats"],
  ["library", "libraries", "location", "Quito", "Riga", "visitors"],
  ["aircraft", "aircraft", "brand", "Aurora", "Delta", "speed"],
  ["mountain", "mountains", "range", "Alps", "Andes", "height"],
  ["festival", "festivals", "region", "north", "east", "revenue"],
  ["wine", "wines", "grape", "Merlot", "Syrah", "price"],
  ["violin", "violins", "material", "oak", "maple", "length"],
  ["tenant", "tenants", "occupation", "baker", "pilot", "income"],
  ["parcel", "parcels", "courier", "Swift", "Colis", "distance"],
  ["novel", "novels", "language", "Arabic", "Hindi", "pages"],
] as const;

/** {P} the plural, {t} the text column, {v} and {w} its values, {n} and {x} the number. */
const QUESTIONS = [
  "How many {P} have a {n} above {x}?",
  "With a {n} below {x}, which {t} do the {P} have?",
  "Between {x} and {y}: what is the average {n} of the {P} with the {t} {v}?",
  "Which {t} has more than {x} {P}, counting only {v} and {w}?",
  "Above {x}, what is the highest {n} of the {P} for each {t}?",
  "List the {t} and the {n} of the {P} whose {n} is {x}.",
  "Count the {P} with the {t} {w} and a {n} of at least {x}.",
] as const;

/** Numbers of questions go through all below a prime before one comes back. */
const NUMBERS = 99_991;
const STRIDE = 10_007;

/**
 * One question after another, each with numbers of its own: asking the same
 * prompts again would measure vLLM's prefix cache.
 */
export function* builtInQuestions(): Generator<TableQuestion, never> {
  for (let turn = 0; ; turn += 1) {
    const [table, plural, text, v, w, column] = TABLES[turn % TABLES.length]!;
    const pattern = QUESTIONS[turn % QUESTIONS.length]!;
    const x = 1 + ((turn * STRIDE) % NUMBERS);
    const values: Record<string, string> = {
      P: plural,
      t: text,
      v,
      w,
      n: column,
      x: String(x),
      y: String(x + 1 + (turn % 97)),
    };
    yield {
      question: pattern.replace(/\{(\w)\}/g, (_, name) => values[name]!),
      context: `CREATE TABLE ${table} (${text} VARCHAR, ${column} INTEGER)`,
    };
  }
}
