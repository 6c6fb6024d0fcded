@NullMarked
package io.github.mixtral4j.testkit;

import org.jspecify.annotations.NullMarked;
