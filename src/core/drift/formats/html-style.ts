import { Markup } from './markup.ts';

/** Colours have a contrast of 4.5 : 1 or more on their background, light and dark; what they say is written beside them. */
export const STYLE = new Markup(`
:root{color-scheme:light dark;--bg:#fff;--text:#1f2328;--muted:#59636e;--line:#d1d9e0;--card:#f6f8fa;--link:#0969da;--ref:#818b98;--cur:#0969da;--mark:#cf222e}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--text:#f0f6fc;--muted:#9198a1;--line:#3d444d;--card:#151b23;--link:#4493f8;--ref:#9198a1;--cur:#4493f8;--mark:#ff7b72}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
main,header,footer{max-width:1040px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
h1{font-size:25px;line-height:1.25;margin:6px 0 10px;display:flex;flex-wrap:wrap;gap:6px 12px;align-items:center}
h1 .chip{font-size:18px;padding:3px 12px}
h2{font-size:18px;margin:34px 0 10px}
p{margin:6px 0}
a{color:var(--link);text-decoration:none}
a:hover,a:focus-visible{text-decoration:underline}
code{unicode-bidi:isolate;font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.muted,figcaption,caption{color:var(--muted);font-size:13px}
.kicker{color:var(--muted);letter-spacing:.04em;text-transform:uppercase;font-size:12px;margin:0}
.chip{display:inline-block;border-radius:99px;padding:0 9px;font-size:12.5px;font-weight:600;line-height:20px;color:#fff;white-space:nowrap}
.critical{background:#82071e}.high{background:#cf222e}.medium{background:#9a6700}.low{background:#0969da}
.inconclusive{background:#6639ba}.skipped{background:#59636e}.stable{background:#1a7f37}.drift{background:#cf222e}
.tag{border:1px solid var(--line);border-radius:4px;padding:0 5px;font-size:12px;color:var(--muted)}
.key{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:6px;vertical-align:-1px}
.key.r{background:var(--ref)}.key.c{background:var(--cur)}
.sources{display:grid;grid-template-columns:auto 1fr;gap:2px 12px;margin:12px 0}
.sources dt{color:var(--muted)}.sources dd{margin:0}
.share{display:block;width:100%;height:12px;border-radius:6px;overflow:hidden;margin:16px 0 8px}
.share .critical{fill:#82071e}.share .high{fill:#cf222e}.share .medium{fill:#bf8700}.share .low{fill:#54aeff}
.share .inconclusive{fill:#8250df}.share .skipped{fill:#818b98}.share .stable{fill:#2da44e}
.legend{display:flex;flex-wrap:wrap;gap:6px 14px;list-style:none;margin:0;padding:0}
.note{border-left:3px solid var(--line);background:var(--card);padding:8px 14px;margin:8px 0;border-radius:0 6px 6px 0}
.scroll{overflow-x:auto;max-width:100%}
.sides td,.sides th,.checks td,.checks th,.bars td{white-space:nowrap}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
caption{text-align:left;padding-bottom:4px}
th,td{text-align:left;padding:4px 13px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{font-weight:600;color:var(--muted);font-size:13px;white-space:nowrap}
tbody th{font-weight:400}
.overview{width:100%}
.overview td:nth-child(3){white-space:nowrap}
.overview tbody th{font-weight:600}
.column{min-width:0}
details{border:1px solid var(--line);border-radius:8px;margin:10px 0;background:var(--bg)}
summary{cursor:pointer;padding:9px 14px;border-radius:8px;background:var(--card)}
summary:focus-visible,a:focus-visible{outline:2px solid var(--link);outline-offset:2px}
details[open]>summary{border-bottom:1px solid var(--line);border-radius:8px 8px 0 0}
summary .what{display:block;color:var(--muted);font-size:14px;padding-left:18px}
.body{padding:12px 16px 14px;scroll-margin-top:70px}
.body>*{margin-top:14px}.body>:first-child{margin-top:0}
.more{margin-bottom:0}.more table{margin:8px 14px 12px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(320px,100%),1fr));gap:14px 24px}
.tables{display:flex;flex-wrap:wrap;align-items:flex-start;gap:14px 32px}
figure{margin:0;max-width:520px}
figure svg{display:block;width:100%;height:auto}
figure text{font-size:11px;fill:var(--muted)}
figure .y{text-anchor:end}
.g{stroke:var(--line);fill:none}
svg .r{fill:var(--ref);fill-opacity:.45}
svg .c{fill:var(--cur);fill-opacity:.14;stroke:var(--cur);stroke-width:1.6}
svg .l{fill:none;stroke-width:2}svg .l.r{stroke:var(--ref)}
.m{stroke:var(--mark);stroke-width:3}
.bars th{max-width:260px}
.bars svg{width:150px;height:22px;display:block}
.bars svg .r{fill-opacity:1}.bars svg .c{fill-opacity:1;stroke:none}
.notes{padding-left:20px;margin-bottom:0}
footer{color:var(--muted);font-size:13px;padding-bottom:40px}
footer dl{display:grid;grid-template-columns:auto 1fr;gap:4px 14px}footer dd{margin:0}
@media (max-width:640px){main,header,footer{padding-left:14px;padding-right:14px}h1{font-size:22px}
.overview thead{display:none}.overview tr{display:block;padding:8px 0;border-bottom:1px solid var(--line)}.overview th,.overview td{display:inline-block;border:0;padding:0 8px 0 0}.overview td:last-child{display:block}
footer dl{grid-template-columns:1fr}footer dt{font-weight:600}}
@media print{details::details-content{content-visibility:visible;display:block}summary{background:none}}
`);
