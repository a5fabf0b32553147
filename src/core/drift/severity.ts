import * as z from 'zod';

/** From the least to the worst. */
export const SEVERITIES = ['none', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const SeveritySchema = z.enum(SEVERITIES);
