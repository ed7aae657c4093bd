/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves the web pages (ADR 159). web_request.c finds them here. The folder of the node comes
 * before that of the package. Its files are held in memory, plain and by gzip, as many and as large
 * as bounds say; what is no regular file of its own, or has another name than the build gives, is
 * left out. Only the folder's identity and time are looked at again, so a new bundle counts without
 * a restart, and a request costs no file.
 */

#include "app/web/web_bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/web/web_api.h"
#include "app/web/web_request.h"
#include "base/log.h"
#include "base/table.h"
#include "sig/sip/body.h"

enum {
	BUNDLE_FILES = 256,
	BUNDLE_NAME_MAX = 64,
	BUNDLE_FILE_MAX = 4 << 20,
	BUNDLE_EXCUSE_MAX = 2048,
	BUNDLE_ORIGINS_MAX = 1024,
	BUNDLE_POLICY_MAX = 512 + 2 * BUNDLE_ORIGINS_MAX
};

/* Allows scripts of the bundle alone. No text becomes markup, as trusted types are required; the
 * one policy that is allowed is for the worker that receives pushes. Sound comes from the port of
 * recordings, too, on any name of this host. */
#define BUNDLE_POLICY                                                                      \
	"default-src 'none'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " \
	"media-src 'self' blob:%s; manifest-src 'self'; base-uri 'none'; "                 \
	"form-action 'none'; require-trusted-types-for 'script'; "

/* The page to which a provider sends the browser of a user back (login.user_redirect). It hands the
 * query to the page that has opened the window, or else to the web client. Its origin is opaque
 * (sandbox), so that page cannot read there what pages of this host store. */
#define RELAY_PATH "/login"
#define RELAY_SCRIPT                                                                          \
	"if (opener) opener.postMessage({ tandemLogin: location.search }, location.origin); " \
	"else location.replace(\"/client\" + location.search);"
#define RELAY_HASH "sha256-W2mOvJtumB5UAz+HBDjVuWzSg8XmyqKN0F4xCcsq/b0=" /* of the script */
#define RELAY_POLICY                                                         \
	"sandbox allow-scripts; default-src 'none'; script-src '" RELAY_HASH \
	"'; base-uri 'none'; "                                               \
	"form-action 'none'; frame-ancestors 'none'"
#define RELAY_PAGE                                                                               \
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>tandem</title>" \
	"</head><body><p>Signed in: this window may be closed.</p><script>" RELAY_SCRIPT         \
	"</script></body></html>\n"

#define BUNDLE_HEAD "/pages/"
#define GZIP_END    ".gz"

static const struct {
	const char *path, *name;
} g_doors[] = {
	{ "/client", "client.html" },   { "/client/", "client.html" },
	{ "/console", "console.html" }, { "/console/", "console.html" },
	{ "/style", "style.html" },
};

static const struct {
	const char *end, *type;
} g_types[] = {
	{ ".html", "text/html; charset=utf-8" }, { ".js", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },   { ".svg", "image/svg+xml" },
	{ ".txt", "text/plain; charset=utf-8" }, { ".webmanifest", "application/manifest+json" },
};

struct bundle_file {
	char name[BUNDLE_NAME_MAX];
	struct web_text *text;
	uint64_t hash;
	char date[WEB_BUNDLE_DATE_MAX]; /* when it was written (RFC 9110 5.6.7) */
};

struct web_bundle {
	const struct web_door *door;
	dev_t device; /* of the folder that was read */
	ino_t inode;
	struct timespec changed;
	char port[16];                  /* of recordings, as a source of sound; "": none */
	char policy[BUNDLE_POLICY_MAX]; /* of the answer */
	uint32_t count;                 /* 0: no bundle */
	struct bundle_file files[BUNDLE_FILES];
};

int web_bundle_open(struct web_bundle **out, const struct web_door *door)
{
	struct web_bundle *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->door = door;
	if (door->files_port)
		(void)snprintf(b->port, sizeof(b->port), " *:%u", door->files_port);
	*out = b;
	return 0;
}

static void bundle_clear(struct web_bundle *b)
{
	while (b->count)
		web_text_drop(b->files[--b->count].text);
	b->device = 0;
	b->inode = 0;
}

void web_bundle_close(struct web_bundle *b)
{
	if (b)
		bundle_clear(b);
	free(b);
}

/* ---- the folder ---- */

static bool ends_so(struct bytes name, const char *end)
{
	size_t n = strlen(end);

	return name.n > n && bytes_is(bytes_from(name, name.n - n), end);
}

/* NULL: of no kind that the build makes. */
static const char *bundle_type(struct bytes name)
{
	if (ends_so(name, GZIP_END))
		name = bytes_sub(name, 0, name.n - strlen(GZIP_END));
	for (size_t i = 0; i < COUNT_OF(g_types); i++) {
		if (ends_so(name, g_types[i].end))
			return g_types[i].type;
	}
	return NULL;
}

/* False: no regular file, too large, or it cannot be read. */
static bool bundle_file_read(int folder, struct bundle_file *f)
{
	static const struct hash_key key = { 0 }; /* the same on all nodes */
	int fd = openat(folder, f->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	struct tm tm;
	bool ok = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 &&
		  st.st_size <= BUNDLE_FILE_MAX;

	f->text = ok ? web_text_make((struct bytes){ .n = (size_t)st.st_size }) : NULL;
	ok = f->text && read(fd, f->text->octets, f->text->n) == (ssize_t)f->text->n;
	if (fd >= 0)
		(void)close(fd);
	if (!ok) {
		web_text_drop(f->text);
		return false;
	}
	f->hash = hash_sip(&key, bytes_mem(f->text->octets, f->text->n));
	if (gmtime_r(&st.st_mtim.tv_sec, &tm))
		(void)strftime(f->date, sizeof(f->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return true;
}

static void bundle_read(struct web_bundle *b, const char *path, DIR *folder)
{
	struct dirent *entry;
	uint32_t left_out = 0;

	while ((entry = readdir(folder))) {
		struct bundle_file *f = &b->files[b->count];
		struct bytes name = bytes_str(entry->d_name);

		if (name.p[0] == '.')
			continue;
		if (b->count < BUNDLE_FILES && bundle_type(name) &&
		    !bytes_cstr(name, f->name, sizeof(f->name)) &&
		    bundle_file_read(dirfd(folder), f))
			b->count++;
		else
			left_out++;
	}
	LOG_INFO("web", 0, "the web pages were read", LOG_STR("folder", path),
		 LOG_U64("files", b->count), LOG_U64("left_out", left_out));
}

/* False: there is no such folder. It is read where it is another one than before. */
static bool bundle_look(struct web_bundle *b, const char *path)
{
	DIR *folder;
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	if (st.st_dev == b->device && st.st_ino == b->inode &&
	    st.st_mtim.tv_sec == b->changed.tv_sec && st.st_mtim.tv_nsec == b->changed.tv_nsec)
		return b->count;
	folder = opendir(path);
	if (!folder)
		return false;
	bundle_clear(b);
	bundle_read(b, path, folder);
	(void)closedir(folder);
	b->device = st.st_dev;
	b->inode = st.st_ino;
	b->changed = st.st_mtim;
	return b->count;
}

static void bundle_refresh(struct web_bundle *b)
{
	for (size_t i = 0; i < COUNT_OF(b->door->pages); i++) {
		if (bundle_look(b, b->door->pages[i]))
			return;
	}
	bundle_clear(b);
}

/* ---- answers ---- */

static const struct bundle_file *bundle_file(const struct web_bundle *b, struct bytes name,
					     const char *end)
{
	for (uint32_t i = 0; i < b->count; i++) {
		struct bytes has = bytes_str(b->files[i].name);
		size_t n = strlen(end);

		if (has.n == name.n + n && bytes_eq(bytes_sub(has, 0, name.n), name) &&
		    bytes_is(bytes_from(has, name.n), end))
			return &b->files[i];
	}
	return NULL;
}

/* A page in place of those that are not there. */
static struct web_text *bundle_excuse(const struct web_bundle *b)
{
	uint8_t space[BUNDLE_EXCUSE_MAX];
	struct writer w = writer_over(space, sizeof(space));

	writer_str(&w, "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
		       "<title>tandem</title></head>\n<body><h1>The pages are not built</h1>\n"
		       "<p>The node is up, and its <a href=\"/v1/docs\">HTTP API</a> is there. The "
		       "pages are made by <code>npm ci &amp;&amp; node build.mjs FOLDER</code> in "
		       "<code>web/</code> of the sources; <code>./tandem run</code> does that by "
		       "itself, and the package brings them. They are looked for in "
		       "<code>");
	xml_write(&w, bytes_str(b->door->pages[0]));
	writer_str(&w, "</code> and <code>");
	xml_write(&w, bytes_str(b->door->pages[1]));
	writer_str(&w, "</code> (the setting http.pages).</p></body>\n</html>\n");
	return web_text_make(writer_done(&w));
}

static void answer_file(const struct web_bundle *b, const struct bundle_file *f,
			const struct web_bundle_request *ask, struct web_bundle_answer *out)
{
	const struct bundle_file *packed = web_header_takes_gzip(ask->encodings)
						   ? bundle_file(b, bytes_str(f->name), GZIP_END)
						   : NULL;
	bool has;

	out->type = bundle_type(bytes_str(f->name));
	out->gzip = packed;
	memcpy(out->date, f->date, sizeof(out->date));
	(void)snprintf(out->tag, sizeof(out->tag), "\"%016" PRIx64 "%s\"", f->hash,
		       packed ? "-gzip" : "");
	/* RFC 9110 13.2.2; a date that is not the one that was told asks for all of it */
	has = ask->if_none_match.n ? web_header_has_tag(ask->if_none_match, out->tag)
				   : bytes_is(ask->if_modified_since, f->date);
	out->status = has ? 304 : 200;
	if (has)
		return;
	out->text = packed ? packed->text : f->text;
	out->text->users++;
}

/* origins: of hosts that show the page in a frame and serve it scripts; empty: nobody. */
static void policy_write(struct web_bundle *b, struct bytes origins)
{
	int n = snprintf(b->policy, sizeof(b->policy), BUNDLE_POLICY, b->port);

	if (origins.n)
		(void)snprintf(b->policy + n, sizeof(b->policy) - (size_t)n,
			       "trusted-types frame; script-src 'self' %.*s; "
			       "frame-ancestors 'self' %.*s",
			       (int)origins.n, (const char *)origins.p, (int)origins.n,
			       (const char *)origins.p);
	else
		(void)snprintf(b->policy + n, sizeof(b->policy) - (size_t)n,
			       "trusted-types worker; script-src 'self'; frame-ancestors 'none'");
}

/* The name of the file of a path; empty: it has none. */
static struct bytes page_name(struct web_bundle *b, const struct web_bundle_request *ask)
{
	struct bytes path = ask->path;
	uint8_t space[BUNDLE_ORIGINS_MAX];
	struct writer origins = writer_over(space, sizeof(space));
	const char *of_feature;

	policy_write(b, (struct bytes){ 0 });
	for (size_t i = 0; i < COUNT_OF(g_doors); i++) {
		if (bytes_is(path, g_doors[i].path))
			return bytes_str(g_doors[i].name);
	}
	of_feature = b->door->bundle ? b->door->bundle(path, &origins) : NULL;
	if (!of_feature || origins.overflow)
		return (struct bytes){ 0 };
	/* in a window of its own, scripts of others could read the storage of all pages */
	if (ask->framed)
		policy_write(b, writer_done(&origins));
	return bytes_str(of_feature);
}

bool web_bundle_find(struct web_bundle *b, const struct web_bundle_request *ask,
		     struct web_bundle_answer *out)
{
	bool is_part = bytes_starts(ask->path, BUNDLE_HEAD);
	struct bytes name = page_name(b, ask);
	const struct bundle_file *f;

	*out = (struct web_bundle_answer){ .policy = b->policy };
	if (bytes_is(ask->path, RELAY_PATH)) {
		*out = (struct web_bundle_answer){ .status = 200,
						   .type = bundle_type(BYTES_LIT("x.html")),
						   .policy = RELAY_POLICY,
						   .told = true,
						   .text = web_text_make(BYTES_LIT(RELAY_PAGE)) };
		return true;
	}
	if (bytes_is(ask->path, "/")) {
		out->status = 302;
		out->location = "/client";
		return true;
	}
	if (is_part)
		name = bytes_from(ask->path, strlen(BUNDLE_HEAD));
	if (!name.n && !is_part)
		return false;
	bundle_refresh(b);
	f = bundle_file(b, name, "");
	if (f && (!is_part || !ends_so(name, GZIP_END))) {
		out->forever = is_part && !ends_so(name, ".html");
		answer_file(b, f, ask, out);
		return true;
	}
	out->status = 404;
	out->type = is_part ? "text/plain" : "text/html; charset=utf-8";
	out->text = is_part ? web_text_make(BYTES_LIT("not found\n")) : bundle_excuse(b);
	return true;
}
