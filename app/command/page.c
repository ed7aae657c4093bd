/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to pages of features (page.h): read on the web thread, where nothing is proven, and
 * answered on the control thread once the password of the extension is. A client without one is
 * asked for it; who guesses waits as at the registrar. What is wrong is said as text.
 */
#include "app/command/page.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/clock.h"
#include "base/rand.h"
#include "sig/host/tenant_tables.h"
#include "sig/shard/shard.h"

enum { CREDENTIALS_MAX = 512 };

const struct app_page *page_find(struct bytes path)
{
	FEATURE_EACH (f) {
		for (const struct app_page *p = f->pages; p && p->path; p++) {
			if (bytes_starts(path, p->path))
				return p;
		}
	}
	return NULL;
}

const char *page_bundle(struct bytes path, struct writer *origins)
{
	const struct app_page *page = page_find(path);

	if (!page || !page->bundle || !page->frames(bytes_from(path, strlen(page->path)), origins))
		return NULL;
	return page->bundle;
}

/* ---- the web thread ---- */

static void page_reply_text(struct web_reply *out, unsigned status, const char *why)
{
	out->status = status;
	out->type = "text/plain; charset=utf-8";
	out->n = strlen(why);
	out->text = calloc(1, out->n + 1);
	if (out->text)
		memcpy(out->text, why, out->n);
}

/* NUMBER[@TENANT] ":" password, in base64. False: it is not that. */
static bool basic_read(struct page_run *run, struct bytes basic)
{
	uint8_t text[CREDENTIALS_MAX * 3 / 4 + 3];
	struct bytes rest, user, number;
	bool ok = false;
	int n;

	if (!basic.n || basic.n % 4 || basic.n > CREDENTIALS_MAX)
		return false;
	n = EVP_DecodeBlock(text, basic.p, (int)basic.n);
	if (n > 0) {
		n -= (basic.p[basic.n - 1] == '=') + (basic.p[basic.n - 2] == '=');
		rest = bytes_mem(text, (size_t)n);
		if (memchr(text, ':', (size_t)n) && bytes_cut(&rest, ':', &user)) {
			ok = bytes_cut(&user, '@', &number) &&
			     !bytes_cstr(number, run->who.user, sizeof(run->who.user)) &&
			     !bytes_cstr(user.n ? user : BYTES_LIT(TENANT_DEFAULT_NAME),
					 run->who.tenant, sizeof(run->who.tenant)) &&
			     rest.n && !bytes_cstr(rest, run->password, sizeof(run->password)) &&
			     run->who.user[0] && !memchr(rest.p, 0, rest.n);
		}
	}
	explicit_bzero(text, sizeof(text));
	return ok;
}

static char *page_text_copy(char **to, struct bytes from)
{
	char *at = *to;

	if (from.n)
		memcpy(at, from.p, from.n);
	at[from.n] = '\0';
	*to += from.n + 1;
	return at;
}

static struct page_run *page_copy(const struct app_page *page, const struct web_call *call)
{
	struct bytes path = bytes_from(call->path, strlen(page->path));
	struct page_run *run =
		calloc(1, sizeof(*run) + path.n + call->arguments.n + call->if_match.n +
				  call->if_none_match.n + call->content_type.n + call->depth.n +
				  call->body.n + 8);
	char *to = run ? (char *)(run + 1) : NULL;

	if (!run)
		return NULL;
	run->page = page;
	run->who.source = call->peer;
	run->who.role = COMMAND_FOR_READER;
	(void)bytes_cstr(call->method, run->method, sizeof(run->method));
	run->path = page_text_copy(&to, path);
	run->arguments = page_text_copy(&to, call->arguments);
	run->if_match = page_text_copy(&to, call->if_match);
	run->if_none_match = page_text_copy(&to, call->if_none_match);
	run->type = page_text_copy(&to, call->content_type);
	run->depth = page_text_copy(&to, call->depth);
	run->body = bytes_mem(page_text_copy(&to, call->body), call->body.n);
	return run;
}

static bool method_is_allowed(const struct app_page *page, struct bytes method)
{
	struct bytes list = bytes_str(page->allow), one;

	while (bytes_cut(&list, ',', &one)) {
		if (bytes_eq(bytes_trim(one), method))
			return true;
	}
	return false;
}

struct page_run *page_read(const struct app_page *page, const struct web_call *call,
			   struct web_reply *out)
{
	struct page_run *run;

	out->dav = page->dav;
	(void)snprintf(out->allow, sizeof(out->allow), "%s", page->allow);
	if (bytes_is(call->method, "OPTIONS")) {
		page_reply_text(out, 200, "");
		return NULL;
	}
	if (!method_is_allowed(page, call->method)) {
		page_reply_text(out, 405, "this method is not of this path\n");
		return NULL;
	}
	if (page->moved) {
		page_reply_text(out, 301, "");
		(void)snprintf(out->location, sizeof(out->location), "%s", page->moved);
		return NULL;
	}
	if (page->bundle) { /* what is there was answered by the bundle */
		page_reply_text(out, 404, "not found\n");
		return NULL;
	}
	run = page_copy(page, call);
	if (run && (call->token.n || basic_read(run, call->basic)))
		return run;
	page_reply_text(out, run ? 401 : 500,
			"number and password of an extension, by Authorization: Basic\n");
	page_free(run);
	return NULL;
}

void page_reply(const struct app_page *page, const struct page_answer *answer,
		struct web_reply *out)
{
	*out = (struct web_reply){ .status = answer->status,
				   .type = answer->type ? answer->type : "text/plain",
				   .dav = page->dav,
				   .text = answer->text ? answer->text : calloc(1, 1),
				   .n = answer->n };
	memcpy(out->tag, answer->tag, sizeof(out->tag));
	memcpy(out->location, answer->location, sizeof(out->location));
}

/* ---- the control thread ---- */

void page_free(struct page_run *run)
{
	if (!run)
		return;
	explicit_bzero(run->password, sizeof(run->password));
	if (run->who.file) /* a command has one of its own */
		(void)close(run->who.file - 1);
	free(run->kept);
	free(run);
}

void page_answer(struct page_run *run, const struct page_answer *answer)
{
	run->done(run, answer, run->arg);
}

void page_refuse(struct page_run *run, unsigned status, const char *why)
{
	struct page_answer answer = { .status = status, .type = "text/plain; charset=utf-8" };
	size_t n = strlen(why);

	answer.text = malloc(n + 2);
	if (answer.text)
		answer.n = (size_t)snprintf(answer.text, n + 2, "%s\n", why);
	page_answer(run, &answer);
}

bool page_may(const struct page_run *run, const char *name)
{
	const struct command_right right = { run->who.role, run->who.user, run->who.patterns };
	struct command_error unsaid;

	if (!right.patterns[0])
		return true;
	return name && command_may(command_find(bytes_str(name)), &right, &unsaid);
}

/* Its phones may register. */
static bool user_is_there(const struct page_run *run, uint16_t tenant)
{
	struct extension e;
	bool is;

	if (!extensions_find(run->node->api.extensions, tenant, bytes_str(run->who.user), &e))
		return false;
	is = e.core.enabled;
	extension_wipe(&e);
	return is;
}

/* False: the run is answered. */
static bool password_proves(struct page_run *run, uint16_t tenant)
{
	uint32_t cursor = 0;
	struct shard *core = node_core_next(run->node, &cursor);
	uint64_t wait_ns = 0;

	if (!core)
		page_refuse(run, 503, "the node has no shard yet");
	else if (tenant != TENANT_NONE &&
		 shard_password_proves(core, tenant, bytes_str(run->who.user),
				       bytes_str(run->password), &run->who.source, clock_instant(),
				       &wait_ns))
		return true;
	else
		page_refuse(run, wait_ns ? 429 : 401,
			    wait_ns ? "too many wrong passwords: try again later"
				    : "number or password is wrong");
	return false;
}

void page_start(struct page_run *run, struct node *n)
{
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(run->who.tenant));

	run->node = n;
	run->who.door = "http";
	run->who.by = run->who.user;
	if (run->password[0] && !password_proves(run, tenant))
		return;
	explicit_bzero(run->password, sizeof(run->password));
	if (!user_is_there(run, tenant))
		page_refuse(run, 403, "the extension is not enabled");
	else if (!page_may(run, run->page->reads))
		page_refuse(run, 403, "this token does not allow what is here");
	else
		run->page->answer(run);
}

void page_command(struct page_run *run, const char *name, const json_t *args, command_done_fn *done)
{
	char id[BASE32_U64_LEN + 8] = "page ";

	base32_u64_put(id + 5, rand_u64_from(&run->node->rand));
	id[5 + BASE32_U64_LEN] = '\0';
	command_start(run->node, &run->who, bytes_str(name), bytes_str(id), args, done, run);
}
