/*
 * What a test is compiled with.
 */
#ifndef TESTS_LIB_SANITIZER_H
#define TESTS_LIB_SANITIZER_H

/*
 * ThreadSanitizer takes vfork(2) for fork(2), takes a program that closes
 * other threads' descriptors for a race, which it is, and makes system calls
 * of its own.
 */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN	1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN	1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN	0
#endif

/* Either of the sanitizers with an allocator of its own. */
#if UNDER_TSAN || defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_SANITIZER	1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER	0
#endif

#endif
