/** Scalars of a nested document by dotted path, list elements by their index. */
export type Outline = Map<string, string | number>;

const LEARNER = 'learner';
const PARAMETERS = `${LEARNER}.learner_model_param`;

/** Paths that outlines keep; everything else is stepped over. */
export function isWantedPath(path: string): boolean {
  return (
    path === `${LEARNER}.gradient_booster.name` ||
    path === `${LEARNER}.objective.name` ||
    path === `${PARAMETERS}.num_feature` ||
    path === `${PARAMETERS}.num_class` ||
    path === `${PARAMETERS}.num_target` ||
    path === `${PARAMETERS}.base_score` ||
    /^learner\.gradient_booster\.(?:gbtree\.)?model\.gbtree_model_param\.num_trees$/.test(path) ||
    path === `${LEARNER}.gradient_booster.gbtree.name` ||
    /^version\.[0-2]$/.test(path)
  );
}
