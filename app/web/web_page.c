/* SPDX-License-Identifier: Apache-2.0 */
/* What a record page says. Micro-browsers of desk phones read XHTML Basic: no script, no style, one form for each button. */
#include "app/web/web_page.h"

#include "sig/sip/body.h"
#include "sig/sip/id.h"

static const char *const g_states[RECORD_PAGE_STATES] = {
	[RECORD_PAGE_NOTHING] = "There is nothing to record.",
	[RECORD_PAGE_IDLE] = "Not recorded.",
	[RECORD_PAGE_RECORDS] = "Recording.",
	[RECORD_PAGE_PAUSED] = "Paused.",
};

static const char *const g_places[RECORD_PAGE_PLACES] = {
	[RECORD_PAGE_CALL] = "Call",
	[RECORD_PAGE_CONFERENCE] = "Conference",
	[RECORD_PAGE_MONITOR] = "Monitored call",
};

static void page_button(struct writer *w, struct bytes link, const char *act, uint64_t call,
			const char *label)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, call);
	writer_str(w, "<form action=\"");
	xml_write(w, link);
	WRITER_TEXTS(w, "/", act, "/");
	writer_bytes(w, bytes_mem(id, sizeof(id)));
	WRITER_TEXTS(w, "\" method=\"post\"><p><input type=\"submit\" value=\"", label,
		     "\"/></p></form>\n");
}

static void page_buttons(struct writer *w, struct bytes link, const struct record_page *page)
{
	switch (page->state) {
	case RECORD_PAGE_NOTHING:
	case RECORD_PAGE_STATES:
		return;
	case RECORD_PAGE_IDLE:
		page_button(w, link, "on", page->call, "Record");
		return;
	case RECORD_PAGE_RECORDS:
		page_button(w, link, "pause", page->call, "Pause");
		break;
	case RECORD_PAGE_PAUSED:
		page_button(w, link, "resume", page->call, "Resume");
		break;
	}
	if (!page->lasts)
		page_button(w, link, "off", page->call, "Stop");
}

void web_page_write(struct writer *w, struct bytes link, const char *number,
		    const struct record_page *page)
{
	writer_str(w, "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML Basic 1.0//EN\" "
		      "\"http://www.w3.org/TR/xhtml-basic/xhtml-basic10.dtd\">\n"
		      "<html xmlns=\"http://www.w3.org/1999/xhtml\">\n"
		      "<head><title>Record ");
	xml_write(w, bytes_str(number));
	writer_str(w, "</title></head>\n<body>\n<p>");
	if (page->state != RECORD_PAGE_NOTHING)
		WRITER_TEXTS(w, g_places[page->place], ": ");
	WRITER_TEXTS(w, g_states[page->state], "</p>\n");
	page_buttons(w, link, page);
	writer_str(w, "</body>\n</html>\n");
}
