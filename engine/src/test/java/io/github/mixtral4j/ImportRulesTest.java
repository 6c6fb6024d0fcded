package io.github.mixtral4j;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Who may import whom inside the engine, as ARCHITECTURE.md draws it.
final class ImportRulesTest {
    private static final String ROOT = "io.github.mixtral4j.";

    /// Package to the packages it may import.
    private static final Map<String, List<String>> MAY_IMPORT = Map.of(
            "tensor", List.of(),
            "sampling", List.of(),
            "quant", List.of("tensor"),
            "checkpoint", List.of("tensor"),
            "kernel", List.of("quant", "tensor"),
            "tokenizer", List.of(),
            "model", List.of("kernel", "quant", "tensor"),
            "load", List.of("checkpoint", "model", "tokenizer", "quant", "tensor"),
            "generate", List.of("model", "sampling", "tokenizer", "tensor"));

    private static final JavaClasses ENGINE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(MAY_IMPORT.keySet().stream().map(p -> ROOT + p).toList());

    @Test
    void everyPackageHasARule() {
        List<String> ruled =
                MAY_IMPORT.keySet().stream().map(p -> ROOT + p).sorted().toList();
        List<String> found = new ClassFileImporter()
                        .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                        .withImportOption(location -> location.contains("/engine/"))
                        .importPackages("io.github.mixtral4j")
                        .stream()
                        .map(c -> c.getPackageName())
                        .distinct()
                        .toList();
        assertThat(ruled).containsAll(found);
    }

    @Test
    void packagesImportOnlyWhatStandsBelowThem() {
        MAY_IMPORT.forEach((name, allowed) -> {
            List<String> packages = new ArrayList<>(List.of("java..", "jdk..", "org.jspecify..", "tools.jackson.."));
            packages.add(ROOT + name + "..");
            allowed.forEach(p -> packages.add(ROOT + p + ".."));
            classes()
                    .that()
                    .resideInAPackage(ROOT + name + "..")
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage(packages.toArray(String[]::new))
                    .allowEmptyShould(true)
                    .check(ENGINE);
        });
    }

    @Test
    void onlyKernelUsesTheVectorApi() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + "kernel..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jdk.incubator.vector..")
                .check(ENGINE);
    }

    @Test
    void onlyCheckpointMapsFiles() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + "checkpoint..")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.nio.channels.FileChannel")
                .check(ENGINE);
    }

    @Test
    void theEngineDoesNotPrint() {
        NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(ENGINE);
    }

    @Test
    void theEngineDoesNotExit() {
        noClasses().should().callMethod(System.class, "exit", int.class).check(ENGINE);
    }
}
