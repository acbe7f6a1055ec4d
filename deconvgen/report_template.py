"""The frame of the report's page and its style."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light }}
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1d2530; background: #fff;
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  overflow-wrap: anywhere }}
h1 {{ font-size: 1.7rem; line-height: 1.25; margin-bottom: .3rem }}
h2 {{ font-size: 1.3rem; border-top: 2px solid #1d2530; padding-top: .5rem;
  margin-top: 3rem }}
h3 {{ font-size: 1.05rem; margin: 2rem 0 .3rem }}
.status, figcaption {{ color: #66707c; font-size: .86rem }}
.answer {{ background: #eef4f1; border-left: 5px solid #0f6b3c; padding: .4rem 1rem;
  font-size: 1.06rem }}
figure {{ margin: 1.6rem 0 }}
.wide {{ overflow-x: auto }}
svg {{ width: 100%; min-width: 44rem; height: auto }}
table {{ border-collapse: collapse; font-size: .86rem;
  font-variant-numeric: tabular-nums }}
th, td {{ padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #d5dae0;
  white-space: nowrap }}
th {{ text-align: left; font-weight: 600 }}
th[scope=col] {{ text-align: right; white-space: normal;
  vertical-align: bottom }}
td.none {{ background: #f4f5f7 }}
td.lead {{ font-weight: 700 }}
td.real {{ color: #b4541a }}
td small {{ display: block; font-size: .72rem; font-weight: 400; line-height: 1.1 }}
td:not(.real) small {{ color: #66707c }}
.truth > * {{ border-top: 2px solid #66707c }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem;
  font-size: .86rem; margin: 1rem 0 }}
dt {{ font-weight: 600 }}
dd {{ margin: 0 }}
@media (max-width: 40rem) {{ dl {{ display: block }} }}
summary {{ cursor: pointer; margin: 1rem 0 }}
.study + .study {{ border-top: 6px double #1d2530; margin-top: 4rem;
  padding-top: 1rem }}
.strips {{ display: grid; gap: .6rem 1.2rem;
  grid-template-columns: repeat(auto-fill, minmax(min(28rem, 100%), 1fr)) }}
.strip {{ margin: 0 }}
.strip img {{ width: 100%; image-rendering: pixelated }}
pre, code {{ font-size: .8rem }}
pre {{ background: #f4f5f7; padding: .7rem; overflow-x: auto; white-space: pre-wrap }}
</style></head><body>
{contents}{studies}
</body></html>
"""

STUDY = """<section class="study" id="{name}"><h1>{question}</h1>
<p class="status">{status}</p>
<div class="answer">{answers}</div>
<p class="status">{method}</p>
<dl>{legend}</dl>
{chapters}
<section><h2>Failed runs</h2>{failed}</section>
<section><h2>Commands</h2>{commands}</section>
</section>
"""
