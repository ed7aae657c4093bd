/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes pages for micro-browsers (phone_page.h). Each value is escaped for its place: text and
 * attributes as XML, the rest of a URL by percent signs, so no name can add markup, an argument or
 * a scheme. What is dialled keeps the characters that phones dial.
 */
#include <ctype.h>
#include <string.h>

#include "app/feature/provision/phone_page.h"
#include "sig/sip/body.h"

enum { DIALLED_MAX = 128 };

static void page_xml_write(struct phone_page *p, const char *text)
{
	xml_write(&p->w, bytes_str(text));
}

/* RFC 3986 2.3: all but unreserved characters, and those in keep, by percent signs. */
static void page_url_write(struct phone_page *p, const char *text, const char *keep)
{
	for (; *text; text++) {
		uint8_t c = (uint8_t)*text;
		bool plain = (c < 0x80 && isalnum(c)) || strchr("-._~", c) || strchr(keep, c);

		writer_u8(&p->w, plain ? c : '%');
		if (!plain)
			writer_hex(&p->w, bytes_mem(&c, 1));
	}
}

void phone_page_start(struct phone_page *p, const char *title)
{
	writer_str(&p->w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			  "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML Basic 1.0//EN\" "
			  "\"http://www.w3.org/TR/xhtml-basic/xhtml-basic10.dtd\">\n"
			  "<html xmlns=\"http://www.w3.org/1999/xhtml\">\n<head><title>");
	page_xml_write(p, title);
	writer_str(&p->w, "</title></head>\n<body>\n");
}

void phone_page_end(struct phone_page *p)
{
	writer_str(&p->w, "</body>\n</html>\n");
}

void phone_page_text(struct phone_page *p, const char *text)
{
	writer_str(&p->w, "<p>");
	page_xml_write(p, text);
	writer_str(&p->w, "</p>\n");
}

void phone_page_link_out(struct phone_page *p, const char *url, const char *label)
{
	writer_str(&p->w, "<p><a href=\"");
	page_xml_write(p, url);
	writer_str(&p->w, "\">");
	page_xml_write(p, label);
	writer_str(&p->w, "</a></p>\n");
}

void phone_page_link(struct phone_page *p, const char *to, const char *label)
{
	WRITER_TEXTS(&p->w, "<p><a href=\"", p->base, to, "\">");
	page_xml_write(p, label);
	writer_str(&p->w, "</a></p>\n");
}

/* A number without what people write between digits; an address of SIP as it is. "": neither. */
static void page_dialled(const char *number, char out[DIALLED_MAX])
{
	bool letters = false;
	size_t n = 0;

	for (const char *at = number; *at; at++)
		letters |= isalpha((uint8_t)*at) || *at == '@';
	for (; *number && n < DIALLED_MAX - 1; number++) {
		if (letters || strchr("0123456789*#", *number) || (*number == '+' && !n))
			out[n++] = *number;
	}
	out[*number ? 0 : n] = '\0';
}

void phone_page_dial(struct phone_page *p, const char *number, const char *name, const char *beside)
{
	char dialled[DIALLED_MAX];
	bool address, named = name[0] && strcmp(name, number) != 0;

	page_dialled(number, dialled);
	address = strchr(dialled, '@') != NULL;
	writer_str(&p->w, "<p>");
	if (dialled[0]) {
		WRITER_TEXTS(&p->w, "<a href=\"", address ? "sip:" : "tel:");
		page_url_write(p, dialled, address ? "@+*:" : "+*");
		writer_str(&p->w, "\">");
	}
	page_xml_write(p, name[0] ? name : number);
	writer_str(&p->w, dialled[0] ? "</a>" : "");
	if (named) {
		writer_str(&p->w, " ");
		page_xml_write(p, number);
	}
	if (beside[0]) {
		writer_str(&p->w, "<br/>");
		page_xml_write(p, beside);
	}
	writer_str(&p->w, "</p>\n");
}

void phone_page_search(struct phone_page *p, const char *to)
{
	WRITER_TEXTS(&p->w, "<form action=\"", p->base, to,
		     "\" method=\"get\"><p><input type=\"text\" name=\"search\" value=\"");
	page_xml_write(p, p->search);
	writer_str(&p->w, "\"/> <input type=\"submit\" value=\"Search\"/></p></form>\n");
}

static void page_turned(struct phone_page *p, const char *to, uint32_t page, const char *label)
{
	WRITER_TEXTS(&p->w, "<a href=\"", p->base, to);
	writer_number(&p->w, "?page=", page, "");
	if (p->search[0]) {
		writer_str(&p->w, "&amp;search=");
		page_url_write(p, p->search, "");
	}
	WRITER_TEXTS(&p->w, "\">", label, "</a>");
}

void phone_page_turn(struct phone_page *p, const char *to, uint32_t page, bool more)
{
	bool next = more && page + 1 < PHONE_PAGE_COUNT;

	if (more && !next)
		phone_page_text(p, "There are more: search.");
	if (!page && !next)
		return;
	writer_str(&p->w, "<p>");
	if (page)
		page_turned(p, to, page - 1, "Previous");
	writer_str(&p->w, page && next ? " " : "");
	if (next)
		page_turned(p, to, page + 1, "Next");
	writer_str(&p->w, "</p>\n");
}

bool phone_page_asked(struct bytes arguments, char search[PHONE_PAGE_SEARCH_MAX], uint32_t *page)
{
	struct bytes value, name;
	bool good = true;

	search[0] = '\0';
	*page = 0;
	while (bytes_cut(&arguments, '\n', &value)) {
		bool has = bytes_cut(&value, '=', &name);

		if (has && bytes_is(name, "search"))
			good &= !bytes_cstr(bytes_trim(value), search, PHONE_PAGE_SEARCH_MAX);
		else if (has && bytes_is(name, "page"))
			good &= !bytes_u32(value, page) && *page < PHONE_PAGE_COUNT;
	}
	return good;
}
