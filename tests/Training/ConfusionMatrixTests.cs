using System.Text.Json;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

public class ConfusionMatrixTests
{
    // Truth 0 0 0 1 1 ignored 0, prediction 0 1 0 1 0 2 0: TP of 0 = 3, FP = 1, FN = 1; TP of 1 = 1, FP = 1, FN = 1; 2 and 3 do not occur.
    private static ConfusionMatrix Example()
    {
        var matrix = new ConfusionMatrix(4);
        matrix.Add([0, 0, 0, 1, 1, 255, 0], [0, 1, 0, 1, 0, 2, 0]);
        return matrix;
    }

    [Fact]
    public void Metrics_are_those_computed_by_hand()
    {
        ConfusionMatrix matrix = Example();
        Assert.Equal(6, matrix.Total);
        Assert.Equal([[3, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], matrix.ToRows());
        Assert.Equal(3.0 / 5, matrix.IoU(0));
        Assert.Equal(6.0 / 8, matrix.Dice(0));
        Assert.Equal(1.0 / 3, matrix.IoU(1));
        Assert.Equal(1.0 / 2, matrix.Dice(1));
        Assert.Null(matrix.IoU(2));
        Assert.Null(matrix.Dice(3));
        Assert.Equal((3.0 / 5 + 1.0 / 3) / 2, matrix.MeanIoU, 15);
        Assert.Equal((6.0 / 8 + 1.0 / 2) / 2, matrix.MeanDice, 15);
        Assert.Equal(4.0 / 6, matrix.PixelAccuracy, 15);
    }

    [Fact]
    public void A_class_that_is_only_predicted_has_no_score_but_costs_the_others()
    {
        var matrix = new ConfusionMatrix(3);
        matrix.Add([0, 0], [0, 2]);
        Assert.Null(matrix.IoU(2));
        Assert.Null(matrix.Dice(2));
        Assert.Equal(0.5, matrix.IoU(0));
        Assert.Equal(0.5, matrix.MeanIoU);
        Assert.Equal(2.0 / 3, matrix.MeanDice);
        Assert.Equal(0, new ConfusionMatrix(3).MeanIoU);
    }

    [Fact]
    public void A_mean_over_some_classes_leaves_the_others_out()
    {
        ConfusionMatrix matrix = Example();
        Assert.Equal(matrix.MeanIoU, matrix.MeanIoUOver([true, true, true, true]));
        Assert.Equal(3.0 / 5, matrix.MeanIoUOver([true, false, true, true]));
        Assert.Equal(0, matrix.MeanIoUOver([false, false, true, true]));
    }

    [Fact]
    public void Classes_without_truth_are_named_beside_the_mean()
    {
        var matrix = new ConfusionMatrix(4);
        matrix.Add([0, 0, 0, 1], [0, 2, 2, 1]);
        var evaluation = new Evaluation(["a", "b", "c", "d"], [new ImageScore("one", matrix)]);
        Assert.Equal([2, 3], evaluation.AbsentClasses);
        Assert.Equal("mean over 2 of 4 classes, no pixel of truth for c (2 pixels predicted), d (0 pixels predicted)",
            evaluation.MeanNote);
        using JsonDocument json = JsonDocument.Parse(evaluation.ToJson());
        Assert.Equal(["c", "d"], json.RootElement.GetProperty("absent").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("classes")[2].GetProperty("iou").ValueKind);
        var all = new Evaluation(["a", "b"], [new ImageScore("one", ConfusionMatrix.FromRows([[1, 0], [1, 1]]))]);
        Assert.Empty(all.AbsentClasses);
        Assert.Empty(all.MeanNote);
    }

    [Fact]
    public void Bad_labels_are_refused()
    {
        var matrix = new ConfusionMatrix(2);
        Assert.Contains("truth 2", Assert.Throws<ArgumentException>(() => matrix.Add([2], [0])).Message);
        Assert.Contains("prediction 255", Assert.Throws<ArgumentException>(() => matrix.Add([0], [255])).Message);
        Assert.Throws<ArgumentException>(() => matrix.Add([0, 1], [0]));
        Assert.Throws<ArgumentException>(() => matrix.Add(new ConfusionMatrix(3)));
    }

    [Fact]
    public void An_evaluation_is_read_back_from_its_json()
    {
        using var workshop = new TrainingFixture();
        var evaluation = new Evaluation(["a", "b", "c", "d"], [new ImageScore("one", Example()), new ImageScore("two", Example())]);
        Assert.Equal(12, evaluation.Confusion.Total);
        evaluation.Save(workshop.Path("evaluation-test.json"));
        Assert.Equal(evaluation.ToJson(), Evaluation.Load(workshop.Path("evaluation-test.json")).ToJson());

        using JsonDocument json = JsonDocument.Parse(evaluation.ToJson());
        JsonElement root = json.RootElement, first = root.GetProperty("classes")[0];
        Assert.Equal(evaluation.MeanIoU, root.GetProperty("meanIoU").GetDouble());
        Assert.Equal(("a", 0.6, 0.75),
            (first.GetProperty("name").GetString(), first.GetProperty("iou").GetDouble(), first.GetProperty("dice").GetDouble()));
        Assert.Equal(JsonValueKind.Null, root.GetProperty("classes")[3].GetProperty("iou").ValueKind);
        Assert.Equal("two", root.GetProperty("images")[1].GetProperty("file").GetString());
        Assert.Equal(0.6, root.GetProperty("images")[1].GetProperty("classes")[0].GetProperty("iou").GetDouble());
        Assert.Equal(6, root.GetProperty("confusion")[0][0].GetInt64());
        Assert.Equal(evaluation.PixelAccuracy, root.GetProperty("pixelAccuracy").GetDouble());
    }

    [Fact]
    public void A_damaged_evaluation_is_named()
    {
        using var workshop = new TrainingFixture();
        string path = workshop.Path("evaluation-test.json");
        Assert.Contains("no such file", Assert.Throws<RunException>(() => Evaluation.Load(path)).Message);
        foreach (string text in new[] { "", "{", "[]", "{\"classes\": 3}",
            "{\"classes\": [{\"name\": \"a\"}], \"images\": [{\"file\": \"x\", \"confusion\": [[1, 2]]}]}" })
        {
            File.WriteAllText(path, text);
            Assert.Contains(path, Assert.Throws<RunException>(() => Evaluation.Load(path)).Message);
        }
    }
}
