package io.github.mixtral4j.nano.data;

import java.util.Locale;

/// The languages of Mixtral.
public enum Language {
    EN,
    FR,
    DE,
    ES,
    IT;

    /// Two letters, as in `en`.
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }
}
