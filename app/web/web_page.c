/* SPDX-License-Identifier: Apache-2.0 */
/* What a record page says. Micro-browsers of desk phones read XHTML Basic: no script, no style, one form for each button. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/web/web_page.h"
#include "sig/sip/body.h"
#include "sig/sip/id.h"

/* Each folder on the way is opened by itself. */
int web_file_open(const struct web_files *f, struct bytes name, uint64_t *size)
{
	int at = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;
	struct bytes one;
	struct stat st;

	while (at >= 0 && bytes_cut(&name, '/', &one)) {
		char text[WEB_FILE_PATH_MAX];
		int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

		next = bytes_cstr(one, text, sizeof(text)) ? -1 : openat(at, text, flags);
		(void)close(at);
		at = next;
	}
	if (at < 0)
		return -ENOENT;
	if (fstat(at, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(at);
		return -ENOENT;
	}
	*size = (uint64_t)st.st_size;
	return at;
}

const char *web_file_type(struct bytes name)
{
	static const char *const types[][2] = { { ".wav", "audio/wav" },
						{ ".opus", "audio/ogg" },
						{ ".cms", "application/cms" } };

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		size_t n = strlen(types[i][0]);

		if (name.n > n && bytes_is(bytes_from(name, name.n - n), types[i][0]))
			return types[i][1];
	}
	return "application/octet-stream";
}

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
