/* SPDX-License-Identifier: Apache-2.0 */
/* Documents as files: apply, diff, get, explain, edit, export, import, history, rollback. Files are
 * YAML, or CSV of one kind; a node takes all of their documents as one set, or none. Errors of the
 * node are printed with the file and line that they are about (ctl_documents.c). */

#include <dirent.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/ctl/ctl.h"
#include "app/ctl/ctl_documents.h"
#include "app/ctl/ctl_table.h"
#include "app/schema/feature.h"
#include "base/csv.h"
#include "base/guess.h"

enum {
	SET_FILE_MAX = 32 << 20,
	SET_FILES_MAX = 64,     /* -f */
	SET_TEXT_MAX = 1 << 20, /* of what is printed of one document, or one list */
	SET_PART_OCTETS = 96 * 1024,
	SET_PART_DOCUMENTS = 1000,
	SET_PATH_MAX = 4096,
};

struct set_words {
	const char *files[SET_FILES_MAX], *name, *output, *words[2];
	size_t file_count, word_count;
	bool prune, dry_run, template;
};

/* False: complained. */
static bool set_words_read(struct set_words *o, int argc, char **argv)
{
	*o = (struct set_words){ .name = "default" };
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(word, "--prune"))
			o->prune = true;
		else if (!strcmp(word, "--dry-run"))
			o->dry_run = true;
		else if (!strcmp(word, "--template"))
			o->template = true;
		else if (!strcmp(word, "-f") && next && o->file_count < SET_FILES_MAX)
			o->files[o->file_count++] = argv[++i];
		else if (!strcmp(word, "--set") && next)
			o->name = argv[++i];
		else if (!strcmp(word, "-o") && next)
			o->output = argv[++i];
		else if ((word[0] != '-' || !word[1]) && o->word_count < COUNT_OF(o->words))
			o->words[o->word_count++] = word;
		else {
			ctl_complain("what is '%s'? See tandemctl help apply", word);
			return false;
		}
	}
	return true;
}

/* ---- files ---- */

/* For free(). NULL: complained. */
static char *set_file_read(const char *path, size_t *n)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	char *text = malloc(SET_FILE_MAX + 1);

	*n = file && text ? fread(text, 1, SET_FILE_MAX + 1, file) : 0;
	if (!file || !text || ferror(file) || *n > SET_FILE_MAX) {
		ctl_complain("%s: %s", path,
			     *n > SET_FILE_MAX ? "longer than 32 MiB" : strerror(errno));
		free(text);
		text = NULL;
	}
	if (file && file != stdin)
		(void)fclose(file);
	return text;
}

/* kind: the file is CSV, a document of that kind each row; NULL: YAML. False: complained. */
static bool set_file_add(struct ctl_documents *d, const char *path, const char *kind)
{
	size_t n;
	char *text = set_file_read(path, &n);

	if (!text)
		return false;
	if (kind)
		ctl_documents_csv(d, path, bytes_mem(text, n), kind);
	else
		ctl_documents_yaml(d, path, bytes_mem(text, n));
	explicit_bzero(text, n);
	free(text);
	return true;
}

static int is_document(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return dot && e->d_name[0] != '.' &&
	       (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml") || !strcmp(dot, ".json"));
}

/* A file, or all of a folder by name. False: complained. */
static bool set_path_add(struct ctl_documents *d, const char *path)
{
	struct dirent **list;
	struct stat st;
	char file[SET_PATH_MAX];
	bool fine = true;
	int count;

	if (!strcmp(path, "-") || stat(path, &st) || !S_ISDIR(st.st_mode))
		return set_file_add(d, path, NULL);
	count = scandir(path, &list, is_document, alphasort);
	for (int i = 0; i < count; i++) {
		(void)snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name);
		fine = fine && set_file_add(d, file, NULL);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return fine && count >= 0;
}

/* ---- to the node ---- */

/* The result, or NULL: complained, and *status says how. */
static json_t *set_request(const struct ctl_target *target, const char *command, json_t *args,
			   json_t **error, int *status)
{
	json_t *answer = args ? ctl_send(target, command, args) : NULL;
	json_t *result = json_incref(json_object_get(answer, "result"));
	const json_t *refused = json_object_get(answer, "error");

	*status = answer ? ctl_status(answer) : CTL_NO_ANSWER;
	if (error)
		*error = json_incref(json_object_get(refused, "errors"));
	if (refused && (!error || !*error))
		ctl_complain("%s: %s", json_string_value(json_object_get(refused, "code")),
			     json_string_value(json_object_get(refused, "message")));
	json_decref(args);
	json_decref(answer);
	return result;
}

/* In parts that a request holds. False: complained. */
static bool set_stage(const struct ctl_target *target, const struct ctl_documents *d,
		      const char *stage, int *status)
{
	size_t i = 0, n = json_array_size(d->list);
	json_int_t part = 0;

	do {
		json_t *list = json_array(), *done;
		size_t octets = 0;

		while (i < n && json_array_size(list) < SET_PART_DOCUMENTS) {
			json_t *one = json_array_get(d->list, i);
			size_t more = json_dumpb(one, NULL, 0, JSON_COMPACT) + 1;

			if (octets && octets + more > SET_PART_OCTETS)
				break;
			octets += more;
			(void)json_array_append(list, one);
			i++;
		}
		done = set_request(target, "set.stage",
				   json_pack("{s:s, s:I, s:o}", "stage", stage, "part", part++,
					     "documents", list),
				   NULL, status);
		json_decref(done);
		if (!done)
			return false;
	} while (i < n);
	return true;
}

/* Errors of the node, where they stand in the files. */
static void set_errors_print(struct ctl_documents *d, const json_t *errors)
{
	const json_t *e;
	size_t i;

	json_array_foreach(errors, i, e)
		ctl_documents_error(d, (size_t)json_integer_value(json_object_get(e, "document")),
				    json_string_value(json_object_get(e, "field")),
				    json_string_value(json_object_get(e, "message")));
}

/* What would change, or has. NULL: complained. */
static json_t *set_apply(const struct ctl_target *target, struct ctl_documents *d,
			 const struct set_words *o, bool dry_run, int *status)
{
	json_t *errors = NULL, *result;
	char stage[32];

	if (d->errors) {
		ctl_complain("nothing was changed: %u error%s", d->errors,
			     d->errors == 1 ? "" : "s");
		*status = CTL_USAGE;
		return NULL;
	}
	(void)snprintf(stage, sizeof(stage), "ctl-%d", (int)getpid());
	if (!set_stage(target, d, stage, status))
		return NULL;
	result = set_request(target, "set.apply",
			     json_pack("{s:s, s:s, s:b, s:b}", "name", o->name, "stage", stage,
				       "prune", o->prune, "dry_run", dry_run),
			     &errors, status);
	if (errors) {
		set_errors_print(d, errors);
		ctl_complain("nothing was changed: %u error%s", d->errors,
			     d->errors == 1 ? "" : "s");
	}
	json_decref(errors);
	return result;
}

/* ---- output ---- */

static void value_print(const char *sign, const char *name, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	if (value && !json_is_null(value))
		(void)printf("%s %s: %s\n", sign, name, text ? text : "");
	free(text);
}

static void change_print(const json_t *change, const char *tail, bool fields)
{
	const char *name;
	json_t *both;

	(void)printf("%s/%s %s%s\n", json_string_value(json_object_get(change, "kind")),
		     json_string_value(json_object_get(change, "name")),
		     json_string_value(json_object_get(change, "change")), tail);
	if (!fields)
		return;
	json_object_foreach(json_object_get(change, "fields"), name, both)
	{
		value_print("  -", name, json_array_get(both, 0));
		value_print("  +", name, json_array_get(both, 1));
	}
}

static void set_print(const json_t *result, bool dry_run, bool fields)
{
	const json_t *changes = json_object_get(result, "changes"), *one;
	size_t i;

	json_array_foreach(changes, i, one) change_print(one, dry_run ? " (dry run)" : "", fields);
	if (json_is_true(json_object_get(result, "more")))
		(void)puts("...");
	json_array_foreach(json_object_get(result, "warnings"), i, one)
		ctl_complain("warning: document %d: %s",
			     (int)json_integer_value(json_object_get(one, "document")),
			     json_string_value(json_object_get(one, "message")));
	(void)printf("set %s, version %d: %d created, %d changed, %d deleted, %d unchanged\n",
		     json_string_value(json_object_get(result, "name")),
		     (int)json_integer_value(json_object_get(result, "version")),
		     (int)json_integer_value(json_object_get(result, "created")),
		     (int)json_integer_value(json_object_get(result, "changed")),
		     (int)json_integer_value(json_object_get(result, "deleted")),
		     (int)json_integer_value(json_object_get(result, "unchanged")));
}

static int documents_apply(const struct ctl_target *target, struct ctl_documents *d,
			   const struct set_words *o, bool diff)
{
	int status;
	json_t *result = set_apply(target, d, o, diff || o->dry_run, &status);

	if (result) {
		set_print(result, diff || o->dry_run, diff);
		if (diff && json_array_size(json_object_get(result, "changes")))
			status = CTL_REFUSED; /* as diff(1): there are differences */
	}
	json_decref(result);
	return status;
}

static int verb_apply(const struct ctl_target *target, const struct set_words *o, bool diff)
{
	struct ctl_documents d;
	bool fine = o->file_count && !o->word_count;
	int status = CTL_USAGE;

	if (!fine || !ctl_documents_open(&d)) {
		ctl_complain("%s", fine ? "out of memory" : "which documents? -f FILE|DIR|-");
		return CTL_USAGE;
	}
	for (size_t i = 0; fine && i < o->file_count; i++)
		fine = set_path_add(&d, o->files[i]);
	if (fine)
		status = documents_apply(target, &d, o, diff);
	ctl_documents_close(&d);
	return status;
}

/* ---- what is there ---- */

/* What a new document has of a field says its preset: "unchanged; at first empty". */
static bool is_first(const struct command_arg *arg, const json_t *value)
{
	static const char at_first[] = "unchanged; at first ";
	const char *first = arg->preset && !strncmp(arg->preset, at_first, sizeof(at_first) - 1)
				    ? arg->preset + sizeof(at_first) - 1
				    : "";
	char number[32];

	if (json_is_string(value))
		return !strcmp(first,
			       json_string_length(value) ? json_string_value(value) : "empty");
	if (json_is_boolean(value))
		return !strcmp(first, json_is_true(value) ? "true" : "false");
	(void)snprintf(number, sizeof(number), "%lld", json_integer_value(value));
	return json_is_integer(value) && !strcmp(first, number);
}

/* A secret that is there: nobody is shown it. */
static bool has_secret(const char *name, const json_t *row)
{
	char has[64];

	(void)snprintf(has, sizeof(has), "has_%s", name);
	return json_is_true(json_object_get(row, has)) ||
	       (!strcmp(name, "password") && json_object_get(row, "password_valid"));
}

/* What KIND.put would take to make it. all: also what a new document has anyhow. */
static json_t *document_of(const struct command *put, const char *kind, const json_t *row, bool all)
{
	json_t *out = json_pack("{s:s}", "kind", kind);

	for (const struct command_arg *arg = put->args; arg->name; arg++) {
		json_t *value = json_object_get(row, arg->name);

		if (arg->type == ARG_SECRET) {
			if (has_secret(arg->name, row))
				(void)json_object_set_new(out, arg->name, json_string("(kept)"));
		} else if (value && !json_is_null(value) &&
			   (all || arg->required || !is_first(arg, value))) {
			(void)json_object_set(out, arg->name, value);
		}
	}
	return out;
}

static const struct command *kind_command(const char *kind, const char *verb)
{
	return command_of_noun(bytes_str(kind), verb);
}

/* Of a list that leaves out what makes a document. */
static bool is_listed_whole(const struct command *put)
{
	for (const struct command_arg *arg = put->args; arg->name; arg++) {
		if (arg->type == ARG_JSON)
			return false;
	}
	return true;
}

static json_t *one_request(const struct ctl_target *target, const char *kind, const char *name,
			   int *status)
{
	const struct command *get = kind_command(kind, "get"),
			     *show = get ? get : kind_command(kind, "show");
	json_t *args = json_object();

	if (show && show->args->name && name)
		(void)json_object_set_new(args, show->args->name, json_string(name));
	return set_request(target, show ? show->name : "help", args, NULL, status);
}

/* All rows of a kind, page by page. NULL: complained. */
static json_t *list_request(const struct ctl_target *target, const char *kind, int *status)
{
	const struct command *list = kind_command(kind, "list");
	json_t *rows = json_array(), *answer, *args = json_pack("{s:I}", "limit", (json_int_t)1000);
	const char *next = "";

	if (!list) { /* one of a kind */
		json_t *one = one_request(target, kind, NULL, status);

		json_decref(args);
		if (one)
			(void)json_array_append_new(rows, one);
		return rows;
	}
	while (next) {
		answer = ctl_send(target, list->name, args);
		*status = answer ? ctl_status(answer) : CTL_NO_ANSWER;
		next = json_string_value(json_object_get(answer, "next"));
		if (*status == CTL_DONE)
			(void)json_array_extend(rows, json_object_get(answer, "result"));
		else if (answer)
			ctl_complain("%s", json_string_value(json_object_get(
						   json_object_get(answer, "error"), "message")));
		if (next)
			(void)json_object_set_new(args, "cursor", json_string(next));
		json_decref(answer);
		if (*status != CTL_DONE) {
			json_decref(rows);
			json_decref(args);
			return NULL;
		}
	}
	json_decref(args);
	return rows;
}

/* The documents of a kind, or one. NULL: complained. */
static json_t *documents_request(const struct ctl_target *target, const char *kind,
				 const char *name, bool all, int *status)
{
	const struct command *put = command_put_of(kind);
	json_t *rows, *out = json_array(), *row;
	size_t i;

	rows = name ? json_pack("[o*]", one_request(target, kind, name, status))
		    : list_request(target, kind, status);
	json_array_foreach(rows, i, row)
	{
		const json_t *changed = json_object_get(row, "changed_utc_ms");
		const char *key = put->args->name;
		json_t *whole =
			name || is_listed_whole(put)
				? json_incref(row)
				: one_request(target, kind,
					      json_string_value(json_object_get(row, key)), status);

		/* a change without a document does not count */
		if (name || !changed || json_integer_value(changed))
			(void)json_array_append_new(out, document_of(put, kind, whole, all));
		json_decref(whole);
	}
	json_decref(rows);
	if (*status == CTL_DONE)
		return out;
	json_decref(out);
	return NULL;
}

static void documents_write(FILE *to, const json_t *list)
{
	char *text = malloc(SET_TEXT_MAX);
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		struct writer w = writer_over(text, text ? SET_TEXT_MAX : 0);

		ctl_yaml_write(&w, one);
		(void)fputs(i ? "---\n" : "", to);
		(void)fwrite(text, 1, w.n, to);
	}
	free(text);
}

/* extensions, extension: people write either. */
static const char *kind_read(const char *word, char out[48])
{
	static const struct {
		const char *many, *one;
	} others[] = { { "hours", "hours" }, { "profile.ranges", "profile.range" } };
	struct guess g = { .word = bytes_str(word) };

	(void)snprintf(out, 48, "%s", word);
	if (!command_put_of(out) && out[0] && out[strlen(out) - 1] == 's')
		out[strlen(out) - 1] = '\0';
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (!strcmp(word, others[i].many))
			(void)snprintf(out, 48, "%s", others[i].one);
	}
	if (command_put_of(out))
		return out;
	COMMAND_EACH (c) {
		if (command_is_verb(c, "put"))
			guess_add(&g, command_noun(c));
	}
	ctl_complain("there is no kind '%s' of documents%s", word,
		     g.best.n ? guess_text(&g) : ": tandemctl explain lists them");
	return NULL;
}

static void set_table_print(const json_t *rows, const char *columns)
{
	char *text = malloc(SET_TEXT_MAX);
	struct writer w = writer_over(text, text ? SET_TEXT_MAX : 0);

	if (rows)
		ctl_table_write(&w, rows, CTL_TABLE_COLUMNS, columns);
	(void)fwrite(text, 1, w.n, stdout);
	free(text);
}

static int verb_get(const struct ctl_target *target, const struct set_words *o)
{
	const char *form = o->output ? o->output : "table", *kind;
	json_t *list;
	char space[48];
	int status = CTL_USAGE;

	if (!o->word_count || !(kind = kind_read(o->words[0], space))) {
		if (!o->word_count)
			ctl_complain("get KIND [NAME] [-o yaml|json|table]");
		return CTL_USAGE;
	}
	if (!strcmp(form, "table")) {
		const struct command *rows = o->words[1] ? NULL : kind_command(kind, "list");

		list = o->words[1] ? one_request(target, kind, o->words[1], &status)
				   : list_request(target, kind, &status);
		set_table_print(list, rows ? rows->columns : NULL);
	} else {
		list = documents_request(target, kind, o->words[1], false, &status);
		if (list && !strcmp(form, "json")) {
			(void)json_dumpf(list, stdout, JSON_INDENT(2));
			(void)putchar('\n');
		} else if (list) {
			documents_write(stdout, list);
		}
	}
	json_decref(list);
	return status;
}

/* The kind of documents that the command puts. False: it puts none. */
static bool kind_is_put(const struct command *c, char out[64])
{
	return command_is_verb(c, "put") && !bytes_cstr(command_noun(c), out, 64) &&
	       command_put_of(out);
}

/* ---- explain ---- */

static int verb_explain(const struct ctl_target *target, const struct set_words *o)
{
	char word[64], space[48], *dot;
	const char *kind;
	const struct command *put;
	const struct command_arg *arg;

	(void)target;
	if (!o->word_count) {
		COMMAND_EACH (c) {
			if (kind_is_put(c, word))
				(void)printf("  %-16s %s\n", word, c->help);
		}
		return CTL_DONE;
	}
	(void)snprintf(word, sizeof(word), "%s", o->words[0]);
	dot = command_put_of(word) ? NULL : strrchr(word, '.');
	if (dot)
		*dot = '\0';
	kind = kind_read(word, space);
	if (!kind)
		return CTL_NOT_FOUND;
	put = command_put_of(kind);
	if (!dot) {
		(void)printf("%s\n\n", put->help);
		for (arg = put->args; arg->name; arg++)
			(void)printf("  %-24s %s%s\n", arg->name,
				     arg->required ? "(required) " : "", arg->help);
		return CTL_DONE;
	}
	arg = command_arg_find(put, bytes_str(dot + 1));
	if (!arg) {
		struct guess g = { .word = bytes_str(dot + 1) };

		for (arg = put->args; arg->name; arg++)
			guess_add(&g, bytes_str(arg->name));
		ctl_complain("documents of the kind %s have no field '%s'%s", kind, dot + 1,
			     guess_text(&g));
		return CTL_NOT_FOUND;
	}
	(void)printf("%s.%s%s%s%s\n  %s\n", kind, arg->name, arg->required ? ", required" : "",
		     arg->preset ? "; default: " : "", arg->preset ? arg->preset : "", arg->help);
	for (size_t i = 0; arg->names && arg->names[i]; i++)
		(void)printf("%s%s%s", i ? ", " : "  One of: ", arg->names[i],
			     arg->names[i + 1] ? "" : "\n");
	return CTL_DONE;
}

/* ---- export ---- */

static FILE *export_file(const char *folder, const char *kind)
{
	char path[SET_PATH_MAX];
	FILE *file;

	if (!folder)
		return stdout;
	(void)snprintf(path, sizeof(path), "%s/%s.yaml", folder, kind);
	file = fopen(path, "w");
	if (!file)
		ctl_complain("%s: %s", path, strerror(errno));
	return file;
}

static int export_kind(const struct ctl_target *target, const char *folder, const char *kind,
		       bool *any)
{
	int status = CTL_DONE;
	json_t *list = documents_request(target, kind, NULL, true, &status);
	FILE *file = json_array_size(list) ? export_file(folder, kind) : NULL;

	if (file) {
		(void)fputs(!folder && *any ? "---\n" : "", file);
		documents_write(file, list);
		if (file != stdout && fclose(file))
			status = CTL_REFUSED;
		*any = true;
	} else if (json_array_size(list)) {
		status = CTL_REFUSED;
	}
	json_decref(list);
	return status;
}

/* For free(): a list is its words. */
static char *csv_value(const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	size_t n = 0;

	for (size_t i = 0; json_is_array(value) && text && text[i]; i++) {
		if (!strchr("[]\"", text[i]))
			text[n++] = text[i];
	}
	if (json_is_array(value) && text)
		text[n] = '\0';
	return text;
}

static int export_csv(const struct ctl_target *target, const char *path)
{
	const struct command *put = command_put_of("extension");
	FILE *file = path && strcmp(path, "-") ? fopen(path, "w") : stdout;
	int status = CTL_DONE;
	json_t *list, *one;
	static char line[64 * 1024];
	size_t i;

	if (!file) {
		ctl_complain("%s: %s", path, strerror(errno));
		return CTL_REFUSED;
	}
	list = documents_request(target, "extension", NULL, true, &status);
	for (const struct command_arg *arg = put->args; arg->name; arg++) {
		if (arg->type != ARG_SECRET || !strcmp(arg->name, "password"))
			(void)fprintf(file, "%s%s", arg == put->args ? "" : ",", arg->name);
	}
	(void)fputc('\n', file);
	json_array_foreach(list, i, one)
	{
		struct writer w = writer_over(line, sizeof(line));

		for (const struct command_arg *arg = put->args; arg->name; arg++) {
			const json_t *value = json_object_get(one, arg->name);
			char *text = json_is_string(value) || !value ? NULL : csv_value(value);

			if (arg->type == ARG_SECRET && strcmp(arg->name, "password") != 0)
				continue;
			writer_str(&w, arg == put->args ? "" : ",");
			csv_cell_write(&w, bytes_str(text ? text : json_string_value(value)),
				       false);
			free(text);
		}
		writer_str(&w, "\n");
		(void)fwrite(line, 1, w.n, file);
	}
	json_decref(list);
	if (file != stdout && fclose(file))
		status = CTL_REFUSED;
	return status;
}

static int verb_export(const struct ctl_target *target, const struct set_words *o)
{
	const char *folder = o->word_count ? o->words[0] : NULL;
	char kind[64];
	bool any = false;
	int status = CTL_DONE;

	if (folder && !strcmp(folder, "extensions"))
		return export_csv(target, o->words[1]);
	if (folder && mkdir(folder, 0777) && errno != EEXIST) {
		ctl_complain("%s: %s", folder, strerror(errno));
		return CTL_REFUSED;
	}
	COMMAND_EACH (c) {
		if (status != CTL_DONE || !kind_is_put(c, kind) || !strcmp(kind, "tenant") ||
		    !strcmp(kind, "token"))
			continue; /* of operators; of a user's secret */
		status = export_kind(target, folder, kind, &any);
	}
	return status;
}

/* ---- CSV ---- */

static int verb_import(const struct ctl_target *target, const struct set_words *o)
{
	const struct command *put = command_put_of("extension");
	struct ctl_documents d;
	int status = CTL_USAGE;

	if (!o->word_count || strcmp(o->words[0], "extensions") != 0 ||
	    (!o->template && o->word_count < 2)) {
		ctl_complain("import extensions FILE.csv|- [--dry-run], or --template");
		return CTL_USAGE;
	}
	if (o->template) {
		for (const struct command_arg *arg = put->args; arg->name; arg++)
			(void)printf("%s%s", arg == put->args ? "" : ",", arg->name);
		(void)putchar('\n');
		return CTL_DONE;
	}
	if (ctl_documents_open(&d)) {
		if (set_file_add(&d, o->words[1], "extension"))
			status = documents_apply(target, &d, o, false);
		ctl_documents_close(&d);
	}
	return status;
}

/* ---- edit ---- */

static int editor_run(const char *path)
{
	const char *editor = getenv("VISUAL");
	char command[SET_PATH_MAX];

	editor = editor ? editor : getenv("EDITOR");
	(void)snprintf(command, sizeof(command), "%s '%s'", editor ? editor : "vi", path);
	return system(command); /* NOLINT(cert-env33-c): the user's own editor */
}

static int edit_apply(const struct ctl_target *target, const char *path, const json_t *before)
{
	const json_t *after;
	struct ctl_documents d;
	json_t *args, *result;
	char name[64];
	int status = CTL_USAGE;

	if (!ctl_documents_open(&d))
		return CTL_USAGE;
	(void)set_file_add(&d, path, NULL);
	after = json_array_get(d.list, 0);
	if (d.errors || json_array_size(d.list) != 1) {
		ctl_complain("%s: it is one document: nothing was changed", path);
	} else if (json_equal(after, before)) {
		(void)puts("nothing was changed");
		status = CTL_DONE;
	} else {
		const char *field;
		json_t *value;
		void *next;

		args = json_copy((json_t *)(uintptr_t)after);
		(void)snprintf(name, sizeof(name), "%.48s.put",
			       json_string_value(json_object_get(args, "kind")));
		(void)json_object_del(args, "kind");
		json_object_foreach_safe(args, next, field, value)
		{
			if (json_is_string(value) && !strcmp(json_string_value(value), "(kept)"))
				(void)json_object_del(args, field);
		}
		result = set_request(target, name, args, NULL, &status);
		if (result)
			(void)puts("changed");
		json_decref(result);
	}
	ctl_documents_close(&d);
	return status;
}

static int verb_edit(const struct ctl_target *target, const struct set_words *o)
{
	char path[] = "/tmp/tandemctl-XXXXXX.yaml", space[48];
	const char *kind = o->word_count ? kind_read(o->words[0], space) : NULL;
	int status = CTL_USAGE, fd;
	json_t *list;
	FILE *file;

	if (!kind || (o->word_count < 2 && kind_command(kind, "list"))) {
		ctl_complain("edit KIND NAME");
		return CTL_USAGE;
	}
	list = documents_request(target, kind, o->words[1] ? o->words[1] : "", false, &status);
	if (!list)
		return status;
	fd = mkstemps(path, 5);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	status = CTL_REFUSED;
	if (file) {
		documents_write(file, list);
		(void)fclose(file);
		if (editor_run(path) == 0)
			status = edit_apply(target, path, json_array_get(list, 0));
		(void)unlink(path);
	} else {
		ctl_complain("%s: %s", path, strerror(errno));
	}
	json_decref(list);
	return status;
}

/* ---- versions ---- */

static int verb_history(const struct ctl_target *target, const struct set_words *o)
{
	int status;
	json_t *set =
		set_request(target, "set.show", json_pack("{s:s}", "name", o->name), NULL, &status);

	set_table_print(json_object_get(set, "versions"),
			"version,utc_ms,by,created,changed,deleted,rollback_of");
	json_decref(set);
	return status;
}

static int verb_rollback(const struct ctl_target *target, const struct set_words *o)
{
	uint64_t version = 0;
	json_t *result;
	int status;

	if (!o->word_count || bytes_u64(bytes_str(o->words[0]), &version)) {
		ctl_complain("rollback VERSION [--set NAME]: tandemctl history lists versions");
		return CTL_USAGE;
	}
	result = set_request(target, "set.rollback",
			     json_pack("{s:s, s:I, s:b}", "name", o->name, "version",
				       (json_int_t)version, "dry_run", o->dry_run),
			     NULL, &status);
	if (result)
		set_print(result, o->dry_run, false);
	json_decref(result);
	return status;
}

static int verb_diff(const struct ctl_target *target, const struct set_words *o)
{
	return verb_apply(target, o, true);
}

static int verb_apply_now(const struct ctl_target *target, const struct set_words *o)
{
	return verb_apply(target, o, false);
}

static const struct {
	const char *name;
	int (*fn)(const struct ctl_target *target, const struct set_words *o);
} g_set_verbs[] = {
	{ "apply", verb_apply_now }, { "diff", verb_diff },       { "get", verb_get },
	{ "explain", verb_explain }, { "edit", verb_edit },       { "export", verb_export },
	{ "import", verb_import },   { "history", verb_history }, { "rollback", verb_rollback },
};

bool ctl_set_is_verb(const char *word)
{
	for (size_t i = 0; i < COUNT_OF(g_set_verbs); i++) {
		if (!strcmp(word, g_set_verbs[i].name))
			return true;
	}
	return false;
}

int ctl_set(const struct ctl_target *target, const char *verb, int argc, char **argv)
{
	struct set_words o;
	size_t i = 0;

	if (!set_words_read(&o, argc, argv))
		return CTL_USAGE;
	while (strcmp(verb, g_set_verbs[i].name) != 0)
		i++;
	return g_set_verbs[i].fn(target, &o);
}
