/**
 * How the argument of an opcode is laid out (CPython `Lib/pickletools.py`): fixed-width little-endian numbers, lines that end
 * in LF, or counted bytes. `text` is UTF-8, `bytes` is opaque, `long` is a two's complement integer, `s4` counts are signed.
 */
export type ArgumentKind =
  | 'none'
  | 'u1'
  | 'u2'
  | 'u4'
  | 'i4'
  | 'u8'
  | 'f8'
  | 'line'
  | 'line-pair'
  | 'bytes1'
  | 'bytes4'
  | 'bytes8'
  | 'string1'
  | 'string-s4'
  | 'text1'
  | 'text4'
  | 'text8'
  | 'long1'
  | 'long-s4';

export interface OpcodeInfo {
  readonly name: string;
  readonly argument: ArgumentKind;
  /** The pickle protocol that introduced it. */
  readonly protocol: number;
}

const TABLE = `
49 INT line 0|4a BININT i4 1|4b BININT1 u1 1|4d BININT2 u2 1|4c LONG line 0|8a LONG1 long1 2|8b LONG4 long-s4 2
53 STRING line 0|54 BINSTRING string-s4 1|55 SHORT_BINSTRING string1 1|42 BINBYTES bytes4 3|43 SHORT_BINBYTES bytes1 3
8e BINBYTES8 bytes8 4|96 BYTEARRAY8 bytes8 5|97 NEXT_BUFFER none 5|98 READONLY_BUFFER none 5
4e NONE none 0|88 NEWTRUE none 2|89 NEWFALSE none 2
56 UNICODE line 0|8c SHORT_BINUNICODE text1 4|58 BINUNICODE text4 1|8d BINUNICODE8 text8 4|46 FLOAT line 0|47 BINFLOAT f8 1
5d EMPTY_LIST none 1|61 APPEND none 0|65 APPENDS none 1|6c LIST none 0
29 EMPTY_TUPLE none 1|74 TUPLE none 0|85 TUPLE1 none 2|86 TUPLE2 none 2|87 TUPLE3 none 2
7d EMPTY_DICT none 1|64 DICT none 0|73 SETITEM none 0|75 SETITEMS none 1
8f EMPTY_SET none 4|90 ADDITEMS none 4|91 FROZENSET none 4|30 POP none 0|32 DUP none 0|28 MARK none 0|31 POP_MARK none 1
67 GET line 0|68 BINGET u1 1|6a LONG_BINGET u4 1|70 PUT line 0|71 BINPUT u1 1|72 LONG_BINPUT u4 1|94 MEMOIZE none 4
82 EXT1 u1 2|83 EXT2 u2 2|84 EXT4 i4 2|63 GLOBAL line-pair 0|93 STACK_GLOBAL none 4
52 REDUCE none 0|62 BUILD none 0|69 INST line-pair 0|6f OBJ none 1|81 NEWOBJ none 2|92 NEWOBJ_EX none 4
80 PROTO u1 2|2e STOP none 0|95 FRAME u8 4|50 PERSID line 0|51 BINPERSID none 1`;

/** All 68 opcodes of protocols 0 to 5 by their byte. */
export const OPCODES: ReadonlyMap<number, OpcodeInfo> = new Map(
  TABLE.trim()
    .split(/[|\n]/)
    .map((row): [number, OpcodeInfo] => {
      const [code = '', name = '', argument = '', protocol = ''] = row.split(' ');
      return [
        Number.parseInt(code, 16),
        { name, argument: argument as ArgumentKind, protocol: Number(protocol) },
      ];
    }),
);
