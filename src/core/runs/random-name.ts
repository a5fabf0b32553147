import { randomInt } from 'node:crypto';

const QUALITIES =
  'amber ample bold brave breezy bright brisk calm candid clever cosmic crisp daring deft eager early fair fleet fond frank fresh gentle glad golden grand hardy honest jolly keen kind lively loyal lucid merry mild modest noble patient placid plain proud quick quiet rapid ready robust rosy rustic sharp silent sleek smart snug solid spry stark steady stout sturdy subtle sunny swift tidy tranquil trusty upbeat vivid warm wise witty young zesty'.split(
    ' ',
  );
const ANIMALS =
  'adder badger bat bear beaver bee bison bittern boar buzzard carp cat colt condor cormorant crab crane cricket crow curlew deer dolphin dove duck eagle egret elk falcon ferret finch fox frog gecko goat goose grouse gull hare hawk heron horse ibex ibis jay kestrel kite lark lemming lizard lynx marten mole moth mouse newt osprey otter owl perch pike plover puffin quail raven robin salmon seal shrew shrike skylark snail sparrow stag starling stoat stork swan swift tern thrush toad trout turtle viper vole walrus weasel whale wolf wren'.split(
    ' ',
  );
const NUMBERS = 1000;

/** A name that people can say and tell from others, such as `brisk-heron-217`; it need not be the only one. */
export function randomName(): string {
  const pick = (words: readonly string[]): string => words[randomInt(words.length)] ?? '';
  return `${pick(QUALITIES)}-${pick(ANIMALS)}-${randomInt(NUMBERS)}`;
}
