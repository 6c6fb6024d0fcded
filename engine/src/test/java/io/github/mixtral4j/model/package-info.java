@NullMarked
package io.github.mixtral4j.model;

import org.jspecify.annotations.NullMarked;
