/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the operator's program: without a shell, without descriptors, with an environment of our own. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/keeper/hook_process.h"
#include "base/log.h"

enum { HOOK_LINES_MAX = 20, HOOK_BITS_V4 = 32, HOOK_BITS_V6 = 128 };

/* ---- starting ---- */

/* What is ignored stays so over exec. */
static void signals_reset(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void program_exec(const struct hook_settings *s, const struct hook_order *order, int output)
{
	const struct rlimit no_core = { 0, 0 };
	char ip[ADDR_TEXT_MAX], bits[8], shard[8];
	struct writer w = writer_over(ip, sizeof(ip) - 1);
	const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
					    NULL };
	const char *const words[] = { s->program, order->word == HOOK_ADD ? "add" : "delete",
				      ip,         bits,
				      shard,      s->node,
				      NULL };
	int null = open("/dev/null", O_RDONLY);

	addr_write_ip(&w, &order->ip);
	ip[w.n] = '\0';
	(void)snprintf(bits, sizeof(bits), "%d",
		       order->ip.family == ADDR_V4 ? HOOK_BITS_V4 : HOOK_BITS_V6);
	(void)snprintf(shard, sizeof(shard), "%" PRIu16, order->shard);
	(void)setpgid(0, 0); /* all that it starts is killed with it */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	signals_reset();
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0 || chdir("/") < 0)
		_exit(126);
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	(void)execve(s->program, (char *const *)(uintptr_t)words,
		     (char *const *)(uintptr_t)environment);
	(void)dprintf(STDERR_FILENO, "%s: %s\n", s->program, strerror(errno));
	_exit(127);
}

int hook_program_start(struct hook_program *p, const struct hook_settings *s,
		       const struct hook_order *order, uint64_t now_ns)
{
	int ends[2], err = 0;

	if (hook_fault(s->program))
		return -EACCES;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	*p = (struct hook_program){ .output = ends[0],
				    .until_ns = now_ns + s->limit_ns,
				    .ip = order->ip };
	p->pid = fork();
	if (p->pid == 0)
		program_exec(s, order, ends[1]);
	p->end = p->pid < 0 ? -1 : pidfd_open(p->pid, 0);
	if (p->pid < 0 || p->end < 0)
		err = -errno;
	(void)close(ends[1]);
	if (!err)
		return 0;
	(void)close(ends[0]);
	if (p->pid > 0 && kill(p->pid, SIGKILL) == 0)
		(void)waitpid(p->pid, NULL, 0);
	return err;
}

/* ---- what it says ---- */

static void line_say(struct hook_program *p)
{
	if (p->n && p->lines++ < HOOK_LINES_MAX)
		LOG_INFO("keeper", 0, "the address hook says", LOG_ADDR("address", &p->ip),
			 LOG_BYTES("text", bytes_mem(p->line, p->n)));
	p->n = 0;
}

static void octet_take(struct hook_program *p, char c)
{
	if (c == '\n')
		line_say(p);
	else if (p->n < sizeof(p->line)) /* the rest of a long line is left out */
		p->line[p->n++] = c;
}

void hook_program_hear(struct hook_program *p)
{
	char octets[512];
	ssize_t n = 1;

	for (unsigned turns = 0; p->output >= 0 && n > 0 && turns < 8; turns++) {
		n = read(p->output, octets, sizeof(octets));
		for (ssize_t i = 0; i < n; i++)
			octet_take(p, octets[i]);
	}
	if (n > 0 || p->output < 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	(void)close(p->output);
	p->output = -1;
}

/* ---- its end ---- */

enum hook_result hook_program_end(struct hook_program *p, bool late)
{
	int status = 0;

	(void)kill(-p->pid, SIGKILL); /* and what it has left */
	(void)kill(p->pid, SIGKILL);
	if (waitpid(p->pid, &status, 0) != p->pid)
		status = 1;
	hook_program_hear(p);
	line_say(p);
	if (p->output >= 0)
		(void)close(p->output);
	(void)close(p->end);
	p->pid = 0;
	if (late) {
		LOG_ERROR("keeper", 0, "the address hook took too long and was killed",
			  LOG_ADDR("address", &p->ip));
		return HOOK_LATE;
	}
	if (!status)
		return HOOK_DONE;
	if (WIFEXITED(status))
		LOG_ERROR("keeper", 0, "the address hook has failed", LOG_ADDR("address", &p->ip),
			  LOG_INT("exit_status", WEXITSTATUS(status)));
	else
		LOG_ERROR("keeper", 0, "the address hook has failed", LOG_ADDR("address", &p->ip),
			  LOG_INT("signal", WTERMSIG(status)));
	return HOOK_FAILED;
}
