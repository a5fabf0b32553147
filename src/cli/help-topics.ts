const EXIT_CODES = `Exit codes

    0  done
    1  the answer is no: a check found problems, or something differs
    2  usage or invalid input: a bad option, a malformed file, an unknown model or version, not a repository
    3  integrity failure: a hash does not match, a record is damaged, the history is broken
    4  refused: an approval is missing, a file is unsafe, a stage holds the version
    5  locked or in conflict: another process is writing, or something moved underneath; pull or retry
    6  local I/O: the disk is full or read-only, a permission is missing
    7  remote: refused, unauthorised, or still failing after retries
   70  internal error: a bug; the message says what to send to the maintainers
  130  interrupted

With --json an error is one line on stderr: {"error":{"code","message","hint","exitCode","retryable"}}.
`;

const ENVIRONMENT = `Environment variables

  MLOPS_ACTOR   who acts, as written into the history; default: Git's user.name and user.email
  MLOPS_TRUST_REMOTES
                for CI: remotes that may be pushed to without asking, as \`mlops remote list\` shows them, with commas
                between them; 1 for all
  AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION ...
                credentials and region of s3:// remotes, as for the AWS tools
  NODE_EXTRA_CA_CERTS
                a file with certificates of authorities to trust besides the usual ones
  NO_COLOR      any value but the empty one turns colours off, whatever else is set
  FORCE_COLOR   turns colours on without a terminal; 0 turns them off

Git's own variables reach git unchanged where they name a user, a home or a certificate.
Values are never written to the repository, except that of MLOPS_ACTOR.
`;

const REFERENCES = `References

Where a command takes <ref>, it takes any of these:

  fraud@v1.0.1        a version by its label
  fraud v1.0.1        the same, as two words
  fraud@production    the version that a stage holds
  fraud@latest        the newest version
  fraud               the same as fraud@latest
  sha256:1f3c9a20     the version whose artifact digest starts with these digits (8 or more)

A name that does not exist is exit code 2, with the nearest existing names as a hint.
`;

const TOPICS: Readonly<Record<string, string>> = {
  'exit-codes': EXIT_CODES,
  environment: ENVIRONMENT,
  references: REFERENCES,
};

export const HELP_TOPICS = Object.keys(TOPICS);

/** The text of `mlops help <topic>`, or undefined when the words name no topic. */
export function helpTopic(words: readonly string[]): string | undefined {
  const [name] = words;
  return words.length === 1 && name !== undefined && Object.hasOwn(TOPICS, name) ? TOPICS[name] : undefined;
}
