/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local socket of the control API: tandemctl speaks to a node by it, also while Redis is away
 * or the node starts. It reads lines of JSON, takes file descriptors that come along, and runs
 * commands by command_start like every other door. Peer credentials (SO_PEERCRED) decide who is an
 * operator; buffers that may hold passwords are wiped.
 */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/command/control.h"
#include "app/command/control_local.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"

/* Beside its arguments a request has as much room as they have. */
enum { LINE_MAX_OCTETS = COMMAND_JSON_MAX + COMMAND_TREE_MAX };
#define TOO_LONG \
	"a request is a line of 32767 octets; with an argument that is JSON it is one of 147455"

static bool is_member(const char *name)
{
	static const char *const members[] = { "id", "do", "args", "tenant", "role" };

	for (size_t i = 0; i < COUNT_OF(members); i++) {
		if (!strcmp(name, members[i]))
			return true;
	}
	return false;
}

/* Empty where it is absent. False: it is no string. */
static bool json_text_read(const json_t *json, const char *name, struct bytes *out)
{
	const json_t *value = json_object_get(json, name);

	*out = (struct bytes){ 0 };
	if (json_is_string(value))
		*out = bytes_mem(json_string_value(value), json_string_length(value));
	return !value || json_is_string(value);
}

/* The principal is an operator, or a tenant in one of its roles. */
static const char *who_read(struct local_request *r, struct bytes role)
{
	r->role = r->tenant.n ? COMMAND_FOR_ADMIN : COMMAND_FOR_OPERATOR;
	if (r->tenant.n >= COMMAND_TENANT_MAX || !command_allows(CHARSET_NAME, r->tenant))
		return "tenant must be 1 to 31 letters, digits, '.', '_' or '-'";
	if (!role.n)
		return NULL;
	for (size_t i = 0; r->tenant.n && g_command_roles[i]; i++) {
		if (bytes_is(role, g_command_roles[i])) {
			r->role = (enum command_role)i;
			return NULL;
		}
	}
	return "role must be reader, application or admin, of a tenant";
}

static const char *request_fill(struct local_request *r, size_t line_n)
{
	struct control_entry entry = { .version = BYTES_LIT("1") };
	struct bytes role;
	const char *name, *wrong;
	json_t *value;

	if (!json_is_object(r->json))
		return "a request must be a line with a JSON object";
	json_object_foreach(r->json, name, value)
	{
		if (!is_member(name))
			return "a request has id, do, args, tenant and role, and nothing else";
	}
	if (!json_text_read(r->json, "id", &r->id) || !json_text_read(r->json, "do", &r->command) ||
	    !json_text_read(r->json, "tenant", &r->tenant) ||
	    !json_text_read(r->json, "role", &role))
		return "id, do, tenant and role must be strings";
	if (line_n >= LINE_MAX_OCTETS - COMMAND_TREE_MAX + command_args_max(r->command))
		return TOO_LONG;
	r->args = json_object_get(r->json, "args");
	if (r->args && !json_is_object(r->args))
		return "args must be a JSON object";
	entry.id = r->id;
	entry.command = r->command;
	wrong = control_entry_check(&entry);
	return wrong ? wrong : who_read(r, role);
}

const char *local_request_read(struct local_request *out, struct bytes line)
{
	const char *wrong;

	*out = (struct local_request){ 0 };
	out->json = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
	wrong = request_fill(out, line.n);
	if (wrong)
		local_request_free(out);
	return wrong;
}

void local_request_free(struct local_request *r)
{
	json_decref(r->json);
	*r = (struct local_request){ 0 };
}

#define PATIENCE_NS (30 * NS_PER_S)
/* New clients wait so long for a descriptor. */
#define ACCEPT_PAUSE_NS (500 * NS_PER_MS)

enum { CLIENTS_MAX = 16 };

enum local_refusal { REFUSED_PEER, REFUSED_FULL, REFUSED_BAD, REFUSED_IDLE, LOCAL_REFUSALS };

struct local_client {
	struct control_local *local;
	int fd;       /* -1: free, or the client has disconnected while its command runs */
	int file;     /* 1 + a descriptor that came with the next line; 0: none */
	bool running; /* a command is under way */
	/* Its lines are being parsed: an answer that comes meanwhile does not parse again. */
	bool taking;
	bool ends; /* when the answer was read */
	size_t in_n, out_n, out_sent;
	char *in, *out; /* LINE_MAX_OCTETS; the answer that is on its way, or NULL */
	char command[CONTROL_NAME_MAX + 1], id[CONTROL_NAME_MAX + 1];
	uint64_t until_ns; /* it is disconnected then, unless something moves before */
};

struct control_local {
	struct node *node;
	int fd;
	uint64_t pause_ns; /* no client is accepted before; 0: at once */
	char path[PATH_MAX];
	struct local_client clients[CLIENTS_MAX];
};

static metric_id g_refused[LOCAL_REFUSALS];

void control_local_setup(void)
{
	static const char *const labels[LOCAL_REFUSALS] = {
		[REFUSED_PEER] = "reason=\"peer\"",
		[REFUSED_FULL] = "reason=\"full\"",
		[REFUSED_BAD] = "reason=\"bad_request\"",
		[REFUSED_IDLE] = "reason=\"idle\"",
	};

	for (size_t i = 0; i < LOCAL_REFUSALS; i++)
		g_refused[i] = metric_register(METRIC_COUNTER, "tandem_control_local_refused_total",
					       labels[i],
					       "Refusals of the local control socket: another "
					       "user, too many at once, no command, or silence.");
}

/* ---- output ---- */

static void on_client(int fd, unsigned events, void *arg);

static void client_watch(struct local_client *c)
{
	unsigned events = c->out ? LOOP_WRITE : c->running ? 0 : LOOP_READ;

	c->until_ns = clock_now_ns() + PATIENCE_NS;
	if (c->fd >= 0 && loop_watch(c->fd, events, on_client, c))
		LOG_ERROR("control", 0, "a local client cannot be watched");
}

static void client_out_drop(struct local_client *c)
{
	free(c->out);
	c->out = NULL;
	c->out_n = c->out_sent = 0;
}

static void client_file_drop(struct local_client *c)
{
	if (c->file)
		(void)close(c->file - 1);
	c->file = 0;
}

static void client_close(struct local_client *c)
{
	client_file_drop(c);
	if (c->fd < 0)
		return;
	loop_unwatch(c->fd);
	(void)close(c->fd);
	c->fd = -1;
	if (c->in)
		explicit_bzero(c->in, c->in_n); /* there may be a password */
	free(c->in);
	c->in = NULL;
	c->in_n = 0;
	client_out_drop(c);
}

/* As far as it reads now. */
static void client_flush(struct local_client *c)
{
	while (c->fd >= 0 && c->out_sent < c->out_n) {
		ssize_t n = send(c->fd, c->out + c->out_sent, c->out_n - c->out_sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			client_close(c);
			return;
		}
		c->out_sent += (size_t)n;
	}
	if (c->out_sent == c->out_n)
		client_out_drop(c);
	if (!c->out && c->ends)
		client_close(c);
	else
		client_watch(c);
}

/* Steals the answer. */
static void client_answer(struct local_client *c, json_t *answer, bool elsewhere)
{
	if (elsewhere)
		(void)json_object_set_new(answer, "elsewhere", json_true());
	c->out = command_answer_text(answer);
	if (!c->out) {
		LOG_ERROR("control", 0, "out of memory: a command has no answer",
			  LOG_STR("id", c->id));
		client_close(c);
		return;
	}
	c->out_n = strlen(c->out);
	c->out[c->out_n++] = '\n'; /* in place of its end */
	client_flush(c);
}

static void local_fail(struct local_client *c, enum command_error_code code, bool elsewhere,
		       const char *message)
{
	struct command_error error = { .code = code };

	(void)snprintf(error.message, sizeof(error.message), "%s", message);
	client_answer(c, command_error_json(&error), elsewhere);
}

/* ---- a command ---- */

static void client_read_lines(struct local_client *c);

static void local_on_done(json_t *answer, void *arg)
{
	struct local_client *c = arg;
	bool ok = json_is_true(json_object_get(answer, "ok"));
	const char *code =
		json_string_value(json_object_get(json_object_get(answer, "error"), "code"));

	c->running = false;
	c->local->node->api.jobs--;
	control_log(c->command, "local", c->id, ok, ok ? "ok" : code ? code : "elsewhere");
	if (c->fd < 0) {
		json_decref(answer); /* who asked has gone */
	} else if (json_object_get(answer, "moved")) {
		json_decref(answer);
		local_fail(c, COMMAND_UNAVAILABLE, true, "another node has it: ask by Redis");
	} else {
		client_answer(c, answer, false);
	}
	client_read_lines(c);
}

/* NULL, or why the command is not for this node now. */
static const char *not_here(const struct node *n, const struct local_request *r)
{
	if (n->life->phase == NODE_STARTING)
		return "the node starts, and may wait for Redis: see its log";
	if (control_is_remote(n, r->command, r->args))
		return "another node has it: ask by Redis";
	return NULL;
}

static void client_run(struct local_client *c, const struct local_request *r)
{
	struct node *n = c->local->node;
	struct command_principal who = { .role = r->role,
					 .tenant = NODE_TENANT,
					 .file = c->file,
					 .door = "local",
					 .by = "operator" };
	const char *why = not_here(n, r);
	char key[CONTROL_KEY_MAX];

	if (why) {
		local_fail(c, COMMAND_UNAVAILABLE, true, why);
		return;
	}
	if (n->life->phase == NODE_STOPPING) {
		local_fail(c, COMMAND_UNAVAILABLE, false, "the node is stopping");
		return;
	}
	if (r->tenant.n && tenants_find(n->common.tenants, r->tenant) == TENANT_NONE) {
		local_fail(c, COMMAND_NOT_FOUND, false,
			   "there is no such tenant: tenant.list shows all of them");
		return;
	}
	if (r->tenant.n)
		(void)bytes_cstr(r->tenant, who.tenant, sizeof(who.tenant));
	(void)bytes_cstr(r->id, c->id, sizeof(c->id));
	if (bytes_cstr(r->command, c->command, sizeof(c->command)))
		c->command[0] = '\0'; /* longer than any */
	/* the same id by Redis is the same command */
	control_stream_key(n, who.tenant, who.role, "done:", key);
	(void)strncat(key, c->id, sizeof(key) - strlen(key) - 1);
	c->running = true;
	n->api.jobs++;
	command_start(n, &who, bytes_str(c->command), bytes_str(key), r->args, local_on_done, c);
}

static void client_on_line(struct local_client *c, struct bytes line)
{
	struct local_request r;
	const char *wrong = local_request_read(&r, line);

	if (wrong) {
		metric_add(g_refused[REFUSED_BAD], 1);
		local_fail(c, COMMAND_BAD_REQUEST, false, wrong);
		return;
	}
	client_run(c, &r);
	client_file_drop(c);
	local_request_free(&r);
}

/* One after the other, while there are whole ones and nothing waits. */
static void client_read_lines(struct local_client *c)
{
	char *end;

	if (c->taking)
		return;
	c->taking = true;
	while (c->fd >= 0 && !c->running && !c->out &&
	       (end = memchr(c->in, '\n', c->in_n)) != NULL) {
		size_t n = (size_t)(end - c->in);
		char *line = malloc(n + 1);

		if (!line) {
			client_close(c);
			break;
		}
		memcpy(line, c->in, n);
		memmove(c->in, end + 1, c->in_n - n - 1);
		explicit_bzero(c->in + c->in_n - n - 1, n + 1);
		c->in_n -= n + 1;
		client_on_line(c, bytes_mem(line, n));
		explicit_bzero(line, n);
		free(line);
	}
	c->taking = false;
	if (c->fd >= 0 && !c->running && !c->out && c->in_n == LINE_MAX_OCTETS) {
		metric_add(g_refused[REFUSED_BAD], 1);
		c->ends = true;
		local_fail(c, COMMAND_BAD_REQUEST, false, TOO_LONG);
	} else if (c->fd >= 0) {
		client_watch(c);
	}
}

/* ---- input ---- */

/* As recv; a descriptor that comes along is kept for the line that it came with. */
static ssize_t client_recv(struct local_client *c)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec at = { c->in + c->in_n, LINE_MAX_OCTETS - c->in_n };
	struct msghdr m = { .msg_iov = &at,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *h = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
	int file;

	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
	    h->cmsg_len == CMSG_LEN(sizeof(int))) {
		client_file_drop(c);
		memcpy(&file, CMSG_DATA(h), sizeof(file));
		c->file = file + 1;
	}
	return n;
}

static void client_read(struct local_client *c)
{
	ssize_t n = client_recv(c);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->in_n += (size_t)n;
	client_read_lines(c);
}

static void on_client(int fd, unsigned events, void *arg)
{
	struct local_client *c = arg;

	(void)fd;
	if ((events & LOOP_ERROR) && !(events & (LOOP_READ | LOOP_WRITE))) {
		client_close(c);
	} else if (c->out) {
		client_flush(c);
		client_read_lines(c);
	} else if (!c->running) {
		client_read(c);
	}
}

static bool peer_is_operator(int fd)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n))
		return false;
	if (who.uid == 0 || who.uid == geteuid())
		return true;
	LOG_WARN("control", 0, "another user is at the local control socket",
		 LOG_U64("uid", who.uid));
	return false;
}

static struct local_client *client_free(struct control_local *l)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct local_client *c = &l->clients[i];

		if (c->fd < 0 && !c->running)
			return c;
	}
	return NULL;
}

static void on_connect(int fd, unsigned events, void *arg);

/* Without a descriptor or memory a pending client would wake the loop again and again. */
static void local_pause(struct control_local *l)
{
	l->pause_ns = clock_now_ns() + ACCEPT_PAUSE_NS;
	(void)!loop_watch(l->fd, 0, on_connect, l);
}

static void on_connect(int fd, unsigned events, void *arg)
{
	struct control_local *l = arg;
	struct local_client *c = client_free(l);
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	bool is_operator = peer >= 0 && peer_is_operator(peer);

	(void)events;
	if (peer < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			local_pause(l);
		return;
	}
	if (!is_operator || !c) {
		metric_add(g_refused[is_operator ? REFUSED_FULL : REFUSED_PEER], 1);
		(void)close(peer);
		return;
	}
	*c = (struct local_client){ .local = l, .fd = peer, .in = malloc(LINE_MAX_OCTETS) };
	if (c->in)
		client_watch(c);
	else
		client_close(c);
}

/* ---- all of it ---- */

/* 0 or -errno. */
static int local_listen(struct control_local *l)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int n = snprintf(l->path, sizeof(l->path), "%s/" CONTROL_LOCAL_SOCKET,
			 l->node->settings->node.state_dir);

	if (n < 0 || (size_t)n >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, l->path, (size_t)n + 1);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return -errno;
	/* the folder is this node's alone (embedded_lock): a socket there is of a dead process */
	(void)unlink(l->path);
	if (fchmod(l->fd, 0600) || bind(l->fd, (const struct sockaddr *)&at, sizeof(at)) ||
	    chmod(l->path, 0600) || listen(l->fd, CLIENTS_MAX))
		return -errno;
	return loop_watch(l->fd, LOOP_READ, on_connect, l);
}

struct control_local *control_local_open(struct node *node)
{
	struct control_local *l = calloc(1, sizeof(*l));
	int err = -ENOMEM;

	if (l) {
		l->node = node;
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			l->clients[i].fd = -1;
		err = local_listen(l);
	}
	if (err) {
		LOG_WARN("control", 0, "there is no local control socket: tandemctl needs Redis",
			 LOG_STR("path", l ? l->path : ""), LOG_STR("error", strerror(-err)));
		control_local_close(l);
		return NULL;
	}
	return l;
}

void control_local_expire(struct control_local *l, uint64_t now_ns)
{
	if (l && l->pause_ns && now_ns >= l->pause_ns) {
		l->pause_ns = 0;
		(void)!loop_watch(l->fd, LOOP_READ, on_connect, l);
	}
	for (size_t i = 0; l && i < CLIENTS_MAX; i++) {
		struct local_client *c = &l->clients[i];

		if (c->fd < 0 || c->running || now_ns < c->until_ns)
			continue;
		metric_add(g_refused[REFUSED_IDLE], 1);
		client_close(c);
	}
}

uint64_t control_local_next_ns(const struct control_local *l)
{
	uint64_t next = l && l->pause_ns ? l->pause_ns : UINT64_MAX;

	for (size_t i = 0; l && i < CLIENTS_MAX; i++) {
		const struct local_client *c = &l->clients[i];

		if (c->fd >= 0 && !c->running && c->until_ns < next)
			next = c->until_ns;
	}
	return next;
}

void control_local_close(struct control_local *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		client_close(&l->clients[i]);
	if (l->fd > 0) {
		loop_unwatch(l->fd);
		(void)close(l->fd);
		(void)unlink(l->path);
	}
	free(l);
}
