package io.github.mixtral4j.train;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Who may import whom inside train, as ARCHITECTURE.md draws it.
final class TrainImportRulesTest {
    private static final String ROOT = "io.github.mixtral4j.train.";

    /// Package to the packages of train it may import.
    private static final Map<String, List<String>> MAY_IMPORT = Map.of(
            "op", List.of(),
            "loss", List.of(),
            "model", List.of("op", "loss"),
            "optim", List.of("model"),
            "data", List.of("model"));

    private static final JavaClasses TRAIN = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(ROOT.substring(0, ROOT.length() - 1));

    @Test
    void packagesImportOnlyWhatStandsBelowThem() {
        MAY_IMPORT.forEach((name, allowed) -> noClasses()
                .that()
                .resideInAPackage(ROOT + name)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(Stream.of("op", "loss", "model", "optim", "data", "loop", "tokenizer")
                        .filter(other -> !other.equals(name) && !allowed.contains(other))
                        .map(other -> ROOT + other)
                        .toArray(String[]::new))
                .check(TRAIN));
    }

    @Test
    void onlyTheKernelsUseTheVectorApi() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jdk.incubator.vector..")
                .check(TRAIN);
    }

    @Test
    void trainingDoesNotPrint() {
        NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(TRAIN);
    }
}
