/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves the swagger-ui page for the node's OpenAPI document. web_request.c finds its pages here.
 * Only listed file names are read from the folder, each once, and a Content-Security-Policy allows
 * no other source and no inline script, as the page handles tokens. A missing package leads to a
 * page that says how to install it.
 */

#include "app/web/web_manual.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/web/web_request.h"
#include "sig/sip/body.h"

enum { MANUAL_FILE_MAX = 4 << 20, MANUAL_PAGE_MAX = 2048, MANUAL_PATH_MAX = 512 };

const char g_web_manual_policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#define PAGE_HEAD                                                             \
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">" \
	"<title>The HTTP API of tandem</title>"
static const char g_page[] = PAGE_HEAD
	"<link rel=\"stylesheet\" href=\"docs/swagger-ui.css\"></head>\n"
	"<body><div id=\"ui\"></div>\n<script src=\"docs/swagger-ui-bundle.js\"></script>\n"
	"<script src=\"docs/start.js\"></script></body>\n</html>\n";
static const char g_start[] =
	"SwaggerUIBundle({url: \"openapi.json\", dom_id: \"#ui\", deepLinking: true, "
	"docExpansion: \"none\", tryItOutEnabled: true, validatorUrl: null});\n";

/* From the first one on: the files of the folder. */
enum {
	MANUAL_CSS,
	MANUAL_SCRIPT,
	MANUAL_FILES,
	MANUAL_START = MANUAL_FILES,
	MANUAL_PAGE,
	MANUAL_PARTS
};

static const struct {
	const char *path, *file, *type;
} g_parts[MANUAL_PARTS] = {
	[MANUAL_CSS] = { "/v1/docs/swagger-ui.css", "swagger-ui.css", "text/css" },
	[MANUAL_SCRIPT] = { "/v1/docs/swagger-ui-bundle.js", "swagger-ui-bundle.js",
			    "text/javascript" },
	[MANUAL_START] = { "/v1/docs/start.js", NULL, "text/javascript" },
	[MANUAL_PAGE] = { "/v1/docs", NULL, "text/html; charset=utf-8" },
};

struct web_manual {
	const struct web_door *door;
	struct web_text *texts[MANUAL_PARTS]; /* NULL: not requested yet */
};

int web_manual_open(struct web_manual **out, const struct web_door *door)
{
	struct web_manual *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->door = door;
	*out = m;
	return 0;
}

void web_manual_close(struct web_manual *m)
{
	for (size_t i = 0; m && i < MANUAL_PARTS; i++)
		web_text_drop(m->texts[i]);
	free(m);
}

/* NULL: missing, or no such file. */
static struct web_text *manual_read(const struct web_manual *m, const char *file)
{
	char path[MANUAL_PATH_MAX];
	struct web_text *text = NULL;
	struct stat st;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", m->door->swagger_ui, file);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= MANUAL_FILE_MAX)
		text = web_text_make((struct bytes){ .n = (size_t)st.st_size });
	if (text && read(fd, text->octets, text->n) != (ssize_t)text->n) {
		web_text_drop(text);
		text = NULL;
	}
	(void)close(fd);
	return text;
}

/* A page in place of one that cannot be shown. */
static struct web_text *manual_excuse(const struct web_manual *m)
{
	uint8_t space[MANUAL_PAGE_MAX];
	struct writer w = writer_over(space, sizeof(space));

	writer_str(&w, PAGE_HEAD "</head>\n<body><p>This page is made of swagger-ui, and its files "
				 "are not on this machine: swagger-ui.css and "
				 "swagger-ui-bundle.js of the npm package swagger-ui-dist belong "
				 "into the folder ");
	xml_write(&w, bytes_str(m->door->swagger_ui));
	writer_str(&w, " (the setting http.swagger_ui).</p>\n<p>What it would show is <a "
		       "href=\"openapi.json\">openapi.json</a>, which other programs "
		       "read, too.</p></body>\n</html>\n");
	return web_text_make(writer_done(&w));
}

static struct web_text **manual_file(struct web_manual *m, size_t i)
{
	if (!m->texts[i])
		m->texts[i] = manual_read(m, g_parts[i].file);
	return &m->texts[i];
}

/* The cached text, or NULL: a missing file may come later. */
static struct web_text *manual_text(struct web_manual *m, size_t i)
{
	static const char *const own[MANUAL_PARTS] = {
		[MANUAL_START] = g_start, [MANUAL_PAGE] = g_page
	};
	struct web_text **text = i < MANUAL_FILES ? manual_file(m, i) : &m->texts[i];

	if (i == MANUAL_PAGE && (!*manual_file(m, MANUAL_CSS) || !*manual_file(m, MANUAL_SCRIPT)))
		return manual_excuse(m);
	if (!*text && i >= MANUAL_FILES)
		*text = web_text_make(bytes_str(own[i]));
	if (*text)
		(*text)->users++;
	return *text;
}

bool web_manual_find(struct web_manual *m, struct bytes path, struct web_manual_page *out)
{
	for (size_t i = 0; i < MANUAL_PARTS; i++) {
		if (!bytes_is(path, g_parts[i].path))
			continue;
		*out = (struct web_manual_page){ g_parts[i].type, manual_text(m, i) };
		return out->text || i >= MANUAL_FILES;
	}
	return false;
}
