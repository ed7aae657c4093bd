/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages: what a feature answers by HTTP itself, as no command has that form (CardDAV, phone books).
 * A client shows number and password of an extension by Authorization: Basic (RFC 7617), as
 * NUMBER or NUMBER@TENANT, where the password may be a session's token. Guesses count as those of
 * phones do. What a page changes it changes by commands, in the user's name, so rights and audit
 * are theirs.
 *
 * The web thread reads a request (page_read), the control thread answers it.
 */
#ifndef APP_COMMAND_PAGE_H
#define APP_COMMAND_PAGE_H

#include "app/command/command_start.h"
#include "app/schema/feature.h"
#include "app/web/web_link.h"
#include "base/addr.h"

enum { PAGE_METHOD_MAX = 16, PAGE_PASSWORD_MAX = 256 };

/* The answer; text is malloc'ed and stolen, NULL: it has no body. */
struct page_answer {
	unsigned status;
	const char *type; /* of text; constant */
	char *text;
	size_t n;
	char tag[48];      /* an entity tag with its quotes; empty: none */
	char location[80]; /* empty: none */
};

/* A request under way, malloc'ed. Texts end with a NUL, and are empty where they were absent. */
struct page_run {
	const struct app_page *page;
	struct node *node;            /* the control thread's */
	struct command_principal who; /* the user, proven: tenant and user are set */
	char method[PAGE_METHOD_MAX];
	char *path;      /* behind that of the page */
	char *arguments; /* of the query: NAME=VALUE and a line feed each */
	char *if_match, *if_none_match, *type, *depth;
	struct bytes body;
	void *kept; /* of its page, malloc'ed, freed at the end */
	/* For page.c and the door. */
	char password[PAGE_PASSWORD_MAX];
	void (*done)(struct page_run *run, const struct page_answer *answer, void *arg);
	void *arg;
};

/* The page of a path, or NULL. Any thread. */
const struct app_page *page_find(struct bytes path);
/* The page of the web bundle at that path, or NULL; and who may frame it (struct app_page). */
const char *page_bundle(struct bytes path, struct writer *origins);
/* NULL: *out answers it. */
struct page_run *page_read(const struct app_page *page, const struct web_call *call,
			   struct web_reply *out);
/* Proves the user, and answers it. who.user set: a token has proven him. */
void page_start(struct page_run *run, struct node *n);
/* Ends the run. */
void page_answer(struct page_run *run, const struct page_answer *answer);
/* The same with a text for people. */
void page_refuse(struct page_run *run, unsigned status, const char *why);
void page_free(struct page_run *run); /* NULL is fine */
/* The reply to an answer. */
void page_reply(const struct app_page *page, const struct page_answer *answer,
		struct web_reply *out);
/* The user's token, if one has proven him, allows that command; NULL: it is not limited. */
bool page_may(const struct page_run *run, const char *name);
/* A command in the user's name. Its id is of this run. */
void page_command(struct page_run *run, const char *name, const json_t *args,
		  command_done_fn *done);

#endif
