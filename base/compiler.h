/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes, named once. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <stdint.h>

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NODISCARD              __attribute__((warn_unused_result))
#define HOT                    __attribute__((hot))
#define COLD                   __attribute__((cold))
#define ALWAYS_INLINE          inline __attribute__((always_inline))
#define NOINLINE               __attribute__((noinline))
#define VECTOR_OF(octets)      __attribute__((vector_size(octets)))
#define FOR_CPU(feature)       __attribute__((target(feature)))
#define UNUSED                 __attribute__((unused))
#define CACHE_ALIGNED          __attribute__((aligned(64)))
#define EXPORTED               __attribute__((visibility("default"))) /* of a module */
#define NOT_SANITIZED          __attribute__((no_sanitize("address", "thread", "undefined")))
/* Built with ThreadSanitizer: gcc and clang have different macros for it. */
#ifdef __has_feature
#define FEATURE(x) __has_feature(x)
#else
#define FEATURE(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || FEATURE(thread_sanitizer)
#define THREAD_SANITIZER 1
#else
#define THREAD_SANITIZER 0
#endif

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* 1 << n widens silently; this does not. */
#define BIT64(n) (UINT64_C(1) << (n))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
