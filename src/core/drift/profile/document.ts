import * as z from 'zod';

/** Shapes and limits of `mlops.profile/1`, docs/format.md section 6.5; what the numbers say of one another is checked in parse.ts. */

export const PROFILE_LIMITS = {
  bytes: 64 * 1024 * 1024,
  columns: 20_000,
  knots: 10_001,
  levels: 100_000,
  frequent: 100,
  text: 10_000,
  /** Of a sentence, such as the reason of a type. */
  sentence: 1000,
  /** Of a line of 50 numbers. */
  line: 4000,
} as const;

const Count = z.lazy(() => z.number().int().min(0).max(Number.MAX_SAFE_INTEGER));
/** Of merged samples a number of rows may have a fraction. */
const Amount = z.lazy(() => z.number().min(0).max(Number.MAX_SAFE_INTEGER));
const Share = z.lazy(() => z.number().min(0).max(1));

const Numbers = z.lazy(() =>
  z.object({
    compared: Count.refine((rows) => rows > 0, 'must be at least 1'),
    total: Count,
    effective: Amount.refine((rows) => rows > 0, 'must be above 0'),
    autocorrelation: z.number().min(-1).max(1).optional(),
    ordered: z.boolean().default(false),
    error: z.number().gt(0).max(1),
    knots: z.array(z.string().max(PROFILE_LIMITS.line)).max(PROFILE_LIMITS.knots),
    frequent: z.array(z.string().max(100)).max(PROFILE_LIMITS.frequent),
    others: Amount.optional(),
  }),
);
export type NumbersDocument = z.output<typeof Numbers>;

const Levels = z.lazy(() =>
  z.object({
    rows: z.array(z.string().max(PROFILE_LIMITS.text + 20)).max(PROFILE_LIMITS.levels),
    distinct: Count,
    exact: z.boolean(),
    pooled: z.object({ levels: Count, rows: Count }).default({ levels: 0, rows: 0 }),
  }),
);
export type LevelsDocument = z.output<typeof Levels>;

const Texts = z.lazy(() =>
  z.object({
    letter: Share,
    digit: Share,
    space: Share,
    punctuation: Share,
    other: Share,
    characters: Amount,
    effective: Amount,
    distinct: Count,
    exact: z.boolean(),
    empty: Count,
  }),
);
export type TextsDocument = z.output<typeof Texts>;

const Column = z.lazy(() =>
  z.object({
    name: z.string().max(PROFILE_LIMITS.text),
    type: z.enum(['numeric', 'datetime', 'categorical', 'boolean', 'text']).optional(),
    reason: z.string().max(PROFILE_LIMITS.sentence).default(''),
    pinned: z.boolean().default(false),
    skipped: z.string().max(PROFILE_LIMITS.sentence).optional(),
    integers: z.boolean().default(false),
    lacking: z
      .object({
        nulls: Count,
        unparsable: Count,
        nan: Count.default(0),
        positiveInfinite: Count.default(0),
        negativeInfinite: Count.default(0),
      })
      .optional(),
    values: Numbers.optional(),
    lengths: Numbers.optional(),
    levels: Levels.optional(),
    texts: Texts.optional(),
  }),
);
export type ColumnDocument = z.output<typeof Column>;

export const ProfileDocument = z.lazy(() =>
  z.object({
    schema: z.literal('mlops.profile/1'),
    rows: Count,
    duplicates: z.object({ rows: Count, exact: z.boolean() }).optional(),
    labels: z
      .object({
        scheme: z.enum(['sha256', 'hmac-sha256']),
        key: z
          .string()
          .regex(/^[0-9a-f]{16}$/)
          .optional(),
      })
      .refine(
        ({ scheme, key }) => (scheme === 'hmac-sha256') === (key !== undefined),
        'a key belongs to hmac-sha256',
      )
      .optional(),
    minCount: Count.refine((rows) => rows > 0, 'must be at least 1').optional(),
    columns: z.array(Column).max(PROFILE_LIMITS.columns),
  }),
);
export type ProfileDocument = z.output<typeof ProfileDocument>;
