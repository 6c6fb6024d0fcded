package io.github.mixtral4j.train;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
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
            "data", List.of("model"),
            "loop", List.of("data", "optim", "model", "loss"),
            "tokenizer", List.of());

    private static final JavaClasses TRAIN = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(ROOT.substring(0, ROOT.length() - 1));

    @Test
    void everyPackageHasARule() {
        Set<String> found = TRAIN.stream()
                .map(c -> c.getPackageName())
                .filter(p -> p.startsWith(ROOT))
                .map(p -> p.substring(ROOT.length()))
                .collect(Collectors.toSet());
        assertThat(found).isEqualTo(MAY_IMPORT.keySet());
    }

    @Test
    void packagesImportOnlyWhatStandsBelowThem() {
        MAY_IMPORT.forEach((name, allowed) -> noClasses()
                .that()
                .resideInAPackage(ROOT + name)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(MAY_IMPORT.keySet().stream()
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
