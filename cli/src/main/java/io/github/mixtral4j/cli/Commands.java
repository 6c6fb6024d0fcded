package io.github.mixtral4j.cli;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/// The list of subcommands: a new one is a class and a line here.
@Command(
        name = "mixtral",
        description = "Mixtral, the open sparse mixture of experts, on the JVM: weights in, tokens out.",
        versionProvider = Commands.Version.class,
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "%nCommands:%n",
        footer = {
            "",
            "Results go to standard output, progress and messages to standard error.",
            "Exit code 0: done; 1: failed; 2: wrong usage.",
            "`mixtral COMMAND --help` explains a command."
        })
final class Commands implements Runnable {
    @Spec
    private CommandSpec spec;

    private Commands() {}

    private static List<Object> all(Console console) {
        return List.of(
                new RunCommand(console),
                new ChatCommand(console),
                new InspectCommand(console),
                new TokenizeCommand(console),
                new PromptCommand(console),
                new LogitsCommand(console),
                new PerplexityCommand(console),
                new BenchCommand(console),
                new SynthCommand(console),
                new MergeAdapterCommand(console),
                new TrainCommand(console),
                new TrainTokenizerCommand(console),
                new CommandLine.HelpCommand());
    }

    /// The whole command line, writing to the console.
    static CommandLine commandLine(Console console) {
        CommandLine root = new CommandLine(new Commands());
        for (Object command : all(console)) {
            root.addSubcommand(command);
        }
        for (CommandLine line : root.getSubcommands().values()) {
            if (!line.getCommandSpec().helpCommand()) {
                line.getCommandSpec().addMixin("help", CommandSpec.forAnnotatedObject(new HelpOption()));
            }
        }
        return root.setOut(console.outWriter())
                .setErr(console.errWriter())
                .setUsageHelpAutoWidth(false)
                .setUsageHelpWidth(100)
                .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF))
                .setCaseInsensitiveEnumValuesAllowed(true)
                // Prompts are texts and may begin with @; nothing is read from a file of that name.
                .setExpandAtFiles(false)
                .setExecutionExceptionHandler((e, line, parsed) ->
                        Failures.report(console, line.getCommandSpec().qualifiedName(), e))
                .setParameterExceptionHandler((e, args) -> wrongUsage(console, e));
    }

    /// `mixtral` alone cannot do anything; [Main#run] turns that into --help, so only options without a command come
    /// here.
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing command");
    }

    private static int wrongUsage(Console console, ParameterException e) {
        CommandLine line = e.getCommandLine();
        String name = line.getCommandSpec().qualifiedName();
        console.message(name + ": " + message(e));
        UnmatchedArgumentException.printSuggestions(e, console.err());
        console.message("Try '" + name + " --help'.");
        return Main.WRONG_USAGE;
    }

    private static String message(ParameterException e) {
        if (e instanceof UnmatchedArgumentException unmatched
                && unmatched.getCommandLine().getParent() == null
                && !unmatched.isUnknownOption()) {
            return "unknown command '" + unmatched.getUnmatched().getFirst() + "'";
        }
        return Failures.firstLine(e.getMessage());
    }

    /// The option that every command has.
    private static final class HelpOption {
        @Option(
                names = {"-h", "--help"},
                usageHelp = true,
                description = "Show this help.")
        @SuppressWarnings("UnusedVariable") // picocli reads it
        private boolean help;
    }

    /// Reads the version that the build wrote into the jar; the classes of an IDE have none.
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"mixtral4j " + (version == null ? "development" : version)};
        }
    }
}
