using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.ControlPlane.Resources.Reading;

namespace MeshLite.ControlPlane.Tests.Resources.Reading;

public sealed class YamlReaderTests
{
    [Theory]
    [InlineData("text", "Text")]
    [InlineData("'true'", "Text")]
    [InlineData("\"1\"", "Text")]
    [InlineData("!!str 1", "Text")]
    [InlineData("true", "Boolean")]
    [InlineData("yes", "Text")]
    [InlineData("Off", "Text")]
    [InlineData("-17", "Integer")]
    [InlineData("0x1F", "Integer")]
    [InlineData("1.5e3", "Number")]
    [InlineData(".inf", "Number")]
    [InlineData("1.2.3", "Text")]
    [InlineData("250ms", "Text")]
    [InlineData("e", "Text")]
    [InlineData("-", "Null")]
    [InlineData("~", "Null")]
    [InlineData("", "Null")]
    public void Read_Scalar_IsTypedAsYaml12CoreDoes(string scalar, string kind)
    {
        var result = YamlReader.Read(scalar == "-" ? "a:\n- " : $"a: {scalar}");

        result.Problem.ShouldBeNull();
        var value = ((MapNode)result.Documents[0]).Fields[0].Value;
        ((value as ListNode)?.Items[0] ?? value).ShouldBeOfType<ScalarNode>().Kind.ToString().ShouldBe(kind);
    }

    [Fact]
    public void Read_SeveralDocuments_EmptyOnesLeftOutLinesKept()
    {
        var result = YamlReader.Read("# nothing\n---\na: 1\n---\n---\n# only a comment\n---\nb: [x,\n  y]\n");

        result.Problem.ShouldBeNull();
        result.Documents.Select(d => d.Line).ShouldBe([3, 8]);
        ((ListNode)((MapNode)result.Documents[1]).Fields[0].Value).Items.Select(i => i.Line).ShouldBe([8, 9]);
    }

    [Fact]
    public void Read_Alias_IsTheAnchoredValue()
    {
        var root = (MapNode)YamlReader.Read("a: &x {k: v}\nb: *x").Documents[0];

        root.Fields[1].Value.ShouldBe(root.Fields[0].Value);
    }

    [Theory]
    [InlineData("a: [1", 1)]
    [InlineData("a: 1\nb: : 2\n", 2)]
    [InlineData("a: *nobody", 1)]
    [InlineData("a: &x [*x]", 1)]
    [InlineData("a: !!binary aGk=", 1)]
    [InlineData("a: !!map {}", 1)]
    [InlineData("? [a]\n: b", 1)]
    [InlineData("a: 1\nb: \"\\U99999999\"", 2)]
    [InlineData("...\n\0}", 1)]
    public void Read_NotYaml_ProblemWithLine(string text, int line)
    {
        var result = YamlReader.Read(text);

        result.Documents.ShouldBeEmpty();
        result.Problem.ShouldNotBeNull().Line.ShouldBe(line);
    }

    [Fact]
    public void Read_NestedTooDeep_IsRefusedWithoutExhaustingTheStack()
    {
        YamlReader.Read(new string('[', 500_000)).Problem!.Message.ShouldContain("nested deeper");
        YamlReader.Read("a: &a [[[[[[[[[[1]]]]]]]]]]\n" + string.Concat(Enumerable.Range(0, 10).Select(i =>
            $"b{i}: &{(char)('b' + i)} [[[[[[[[[[*{(char)('a' + i)}]]]]]]]]]]\n"))).Problem!.Message.ShouldContain("nested deeper");
    }

    [Fact]
    public void Read_AliasBomb_IsRefused()
    {
        var bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 12; i++)
        {
            bomb.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        }

        YamlReader.Read(bomb.ToString()).Problem!.Message.ShouldContain("more than 200000 values");
    }

    [Fact]
    public void Read_Anything_NeverThrows() =>
        Prop.ForAll(
            Gen.Elements("a", ":", " ", "\n", "- ", "[", "]", "{", "}", ",", "\"", "'", "&x ", "*x", "!", "|", ">", "#", "---\n", "...\n", "\t", "%", "? ", "\u0000", "é")
                .ArrayOf().ToArbitrary(),
            parts =>
            {
                var result = YamlReader.Read(string.Concat(parts));
                return result.Problem is null || result.Documents.IsEmpty;
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
}
